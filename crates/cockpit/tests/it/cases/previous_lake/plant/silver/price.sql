-- Prices as the last dump says.
--
-- column item: Item.
-- column price [INR]: Price of one.
SELECT item, price FROM typed.price
