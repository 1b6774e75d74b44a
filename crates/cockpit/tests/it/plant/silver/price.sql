-- Prices of the last dump.
--
-- column item: Item.
-- column price [INR]: Price of one.
SELECT item, price FROM typed.price
