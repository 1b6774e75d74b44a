//! Which records of some dumps have a place: in their table, or among the rejected ones.

use crate::bronze::landed::{DataFileRuns, Run, Version};
use crate::columns::{long, text};
use crate::delta::table::Table;
use crate::lake::Lake;
use crate::refine::bits::Bits;
use crate::refine::dump_reader::{Cursor, rows_of, wanted_runs};
use crate::refine::versions::VersionId;
use crate::rejected;
use arrow::array::{Array as _, RecordBatch};
use config::model::TableName;
use futures::TryStreamExt as _;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The records of some dumps that are in their table or rejected.
#[derive(Debug)]
pub struct PlacedRecords {
    by_file: HashMap<String, HashMap<i64, Bits>>,
}

impl PlacedRecords {
    /// Reads which records of the dumps `of` are in the table `silver`, and which are rejected from it.
    pub async fn read(
        lake: &Lake,
        silver: &TableName,
        of: &HashSet<VersionId>,
    ) -> anyhow::Result<Self> {
        let mut by_file: HashMap<String, HashMap<i64, Bits>> = HashMap::new();
        for (file, number) in of {
            by_file.entry(file.clone()).or_default().insert(*number, Bits::default());
        }
        let mut placed = Self { by_file };
        placed.add_table(lake, silver, None).await?;
        placed.add_table(lake, &rejected::name(), Some(&silver.name)).await?;
        Ok(placed)
    }

    /// Adds the records in a table; of `silver.rejected` only those rejected from one table.
    async fn add_table(
        &mut self,
        lake: &Lake,
        name: &TableName,
        rejected_of: Option<&str>,
    ) -> anyhow::Result<()> {
        let Some(state) = lake.state(name).await? else { return Ok(()) };
        let table = lake.table(name)?;
        let mut columns = vec!["_file", "_dump", "_record"];
        columns.extend(rejected_of.map(|_| "table_name"));
        for file in state.files() {
            let mut stream = table.read(&file, Some(&columns), lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                self.add(&batch, rejected_of)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, batch: &RecordBatch, rejected_of: Option<&str>) -> anyhow::Result<()> {
        let (files, numbers) = (text(batch, "_file")?, long(batch, "_dump")?);
        let records = long(batch, "_record")?;
        let tables = rejected_of.map(|_| text(batch, "table_name")).transpose()?;
        let is_own = |row: &usize| tables.is_none_or(|it| Some(it.value(*row)) == rejected_of);
        // Rows of a dump are adjacent, so each run of them is looked up once.
        let mut from = 0;
        while from < batch.num_rows() {
            let (file, number) = (files.value(from), numbers.value(from));
            let is_same = |row: &usize| numbers.value(*row) == number && files.value(*row) == file;
            let to = from + (from..batch.num_rows()).take_while(is_same).count();
            let dump = self.by_file.get_mut(file).and_then(|dump| dump.get_mut(&number));
            if let Some(placed) = dump {
                for row in (from..to).filter(is_own).filter(|row| records.is_valid(*row)) {
                    placed.insert(u32::try_from(records.value(row))?);
                }
            }
            from = to;
        }
        Ok(())
    }

    fn of_version(&self, version: &Version) -> Option<&Bits> {
        self.by_file.get(&version.file)?.get(&version.number)
    }

    /// The runs of rows of a bronze file whose records have no place.
    pub async fn missing_runs(
        &self,
        source: &Table,
        part: &DataFileRuns,
        batch_rows: usize,
    ) -> anyhow::Result<Vec<Run>> {
        let mut missing: Vec<Run> = Vec::new();
        let runs = wanted_runs(part, |version| self.of_version(version).is_some());
        if runs.is_empty() {
            return Ok(missing);
        }
        let rows = rows_of(&runs);
        let mut at = rows.iter().cloned().flatten();
        let mut stream =
            source.read_rows(&part.add, Some(&["_record"]), Some(rows.clone()), batch_rows).await?;
        let mut cursor = Cursor::new(runs);
        while let Some(batch) = stream.try_next().await? {
            let mut numbers = long(&batch, "_record")?.iter();
            for (run, rows) in cursor.next(batch.num_rows()) {
                let placed = self.of_version(&run.version);
                let records = at.by_ref().zip(numbers.by_ref()).take(rows);
                let lost =
                    records.filter(|(_, record)| !record.is_some_and(|it| is_placed(placed, it)));
                lost.for_each(|(row, _)| extend(&mut missing, run, row));
            }
        }
        Ok(missing)
    }
}

fn is_placed(placed: Option<&Bits>, record: i64) -> bool {
    let record = u32::try_from(record).ok();
    record.zip(placed).is_some_and(|(record, placed)| placed.contains(record))
}

/// Appends a row of a run.
fn extend(found: &mut Vec<Run>, run: &Run, row: usize) {
    match found.last_mut() {
        Some(last) if last.rows.end == row && Arc::ptr_eq(&last.version, &run.version) => {
            last.rows.end = row + 1;
        }
        _ => found.push(Run { version: run.version.clone(), rows: row..row + 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};

    /// File, line, record and text of a row.
    type Row = (&'static str, i64, Option<i64>, &'static str);

    #[test]
    fn records_are_placed_in_the_dump_of_their_row() {
        let rows = [
            ("a", 1, Some(1), "board"),
            ("a", 1, Some(2), "other"),
            ("a", 1, None, "board"),
            ("a", 2, Some(3), "board"),
            ("b", 2, Some(4), "board"),
            ("a", 1, Some(5), "board"),
            ("c", 1, Some(6), "board"),
        ];
        let texts = |text: fn(&Row) -> &'static str| {
            Arc::new(rows.iter().map(|row| Some(text(row))).collect::<StringArray>()) as ArrayRef
        };
        let numbers: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
        let records: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>());
        let columns = [
            ("_file", texts(|row| row.0)),
            ("_dump", numbers),
            ("_record", records),
            ("table_name", texts(|row| row.3)),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let check = |rejected_of: Option<&str>, expected: [&[u32]; 3]| {
            let wanted = [("a", 1), ("a", 2), ("b", 2)];
            let mut by_file: HashMap<String, HashMap<i64, Bits>> = HashMap::new();
            for (file, number) in wanted {
                by_file.entry(file.to_owned()).or_default().insert(number, Bits::default());
            }
            let mut placed = PlacedRecords { by_file };
            placed.add(&batch, rejected_of).unwrap();
            for ((file, number), expected) in wanted.iter().zip(expected) {
                let bits = &placed.by_file[*file][number];
                let found: Vec<u32> = (0..8).filter(|record| bits.contains(*record)).collect();
                assert_eq!(found, expected, "{file} {number}");
            }
        };
        check(None, [&[1, 2, 5], &[3], &[4]]);
        check(Some("board"), [&[1, 5], &[3], &[4]]);
    }
}
