-- Bores as measured, the newest measurement of each part.
--
-- key: serial
-- column serial: Serial number of the part.
-- column machine: Measuring machine.
-- column is_ok: Whether the part is within tolerance.
-- column diameter_mm [mm]: Diameter of the bore.
-- column roundness_um [um]: Roundness of the bore, null if not measured.
-- column exported_at: When the file was written, UTC.
SELECT serial, machine, is_ok, diameter_mm, roundness_um, exported_at
FROM typed.bore
