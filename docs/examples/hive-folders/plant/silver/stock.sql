-- Stock per day and bin; the numbers of bins are unique across sites.
--
-- key: day, bin
-- column site: Site, null if the folder names none.
-- column day: Day of the stock.
-- column bin: Bin.
-- column item: Item.
-- column quantity [pieces]: Pieces in the bin, null if not counted.
SELECT site, day, bin, item, quantity
FROM typed.stock
