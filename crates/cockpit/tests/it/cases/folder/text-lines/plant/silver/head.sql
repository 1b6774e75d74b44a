-- Table head.
--
-- key: press
-- column kind: kind.
-- column press: press.
-- column year [1]: year.
SELECT kind, press, year FROM typed.head
