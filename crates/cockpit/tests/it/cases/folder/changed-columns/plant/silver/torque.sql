-- Case table torque.
--
-- key: id
-- column id [id]: Column id.
-- column torque [Nm]: Column torque.
SELECT id, torque FROM typed.torque
