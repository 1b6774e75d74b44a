//! One file of a dump while it is written: its text, its records and its faults.

use super::dump::{Dialect, Dump};
use super::faults::edit::{OVERLAP_S, cut, edited};
use super::faults::{Edit, FaultInjector, FaultKind, InjectedFault, Outcome, Recipe};
use super::random::Rng;

/// A column added by an update of a source system, and its value.
const NEW_COLUMN: (&str, &str) = ("Remark", "ok");
/// Length of the last record of a truncated file in bytes.
const FRAGMENT_BYTES: usize = 12;

/// What a reader receives of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// The record unchanged.
    Whole,
    /// The record with another day.
    OtherDay(i32),
    /// The record with a time this many seconds earlier.
    Earlier(i64),
    /// Nothing.
    Lost,
}

/// What is needed to write files.
#[derive(Debug)]
pub struct WriteContext<'a> {
    pub faults: &'a FaultInjector,
    pub rng: Rng,
    pub injected: &'a mut Vec<InjectedFault>,
    /// A local time that does not exist.
    pub gap_local_s: Option<i64>,
    /// Whether a record may be moved to the next dump.
    pub has_tomorrow: bool,
}

/// A file while it is written.
#[derive(Debug, Clone)]
pub struct DumpFile {
    dump: Dump,
    file: String,
    /// Text written and not yet taken.
    pub text: Vec<u8>,
    /// Records in the file so far.
    pub records: u64,
    header: Vec<u8>,
    has_new_column: bool,
    last: Vec<u8>,
    /// Records to be written to the next file.
    pub late: Vec<Vec<u8>>,
}

impl DumpFile {
    /// An empty file. `has_new_column` adds a column that is not in the contract.
    pub fn new(dump: Dump, day: Option<i32>, has_new_column: bool) -> Self {
        let about = dump.about();
        let mut file = Self {
            dump,
            file: dump.key(day),
            text: Vec::new(),
            records: 0,
            header: about.header.as_bytes().to_vec(),
            has_new_column,
            last: Vec::new(),
            late: Vec::new(),
        };
        if let (true, Dialect::Delimited(delimiter)) = (has_new_column, about.dialect) {
            file.header.push(delimiter);
            file.header.extend_from_slice(NEW_COLUMN.0.as_bytes());
        }
        if about.has_header {
            file.text.extend_from_slice(&file.header);
            file.end_line();
        }
        if about.dialect == Dialect::JsonArray {
            file.text.push(b'[');
        }
        file
    }

    /// Writes a record, possibly with a fault.
    pub fn write(&mut self, line: &[u8], context: &mut WriteContext<'_>) -> Landing {
        let recipe = context.faults.draw(self.dump, &mut context.rng);
        let landing = recipe.and_then(|recipe| self.inject(line, recipe, context));
        landing.unwrap_or_else(|| {
            self.land(line);
            Landing::Whole
        })
    }

    /// Counts a record of a Parquet dump and returns the edit of its fault, if any, and what
    /// readers receive.
    pub fn count(&mut self, context: &mut WriteContext<'_>) -> (Option<Edit>, Landing) {
        self.records += 1;
        let Some(recipe) = context.faults.draw(self.dump, &mut context.rng) else {
            return (None, Landing::Whole);
        };
        self.note(recipe.kind, recipe.outcome, context);
        self.records += u64::from(matches!(recipe.edit, Edit::Twice | Edit::Before(..)));
        let is_lost = matches!(recipe.outcome, Outcome::Rejected { .. });
        (Some(recipe.edit), if is_lost { Landing::Lost } else { Landing::Whole })
    }

    /// Applies a recipe to a record; `None` if it is not applicable to this one.
    fn inject(
        &mut self,
        line: &[u8],
        recipe: &Recipe,
        context: &mut WriteContext<'_>,
    ) -> Option<Landing> {
        let (dialect, number) = (self.dump.about().dialect, self.records + 1);
        match recipe.edit {
            Edit::Twice => self.land(line),
            Edit::Before(..) => {
                let before = edited(line, dialect, recipe.edit, None)?.line;
                if before == line {
                    return None;
                }
                self.land(&before);
            }
            Edit::Header => {
                let header = self.header.clone();
                self.land_unextended(&header);
            }
            Edit::Blank => self.end_line(),
            Edit::Tomorrow => {
                if !context.has_tomorrow {
                    return None;
                }
                self.late.push(line.to_vec());
                return Some(Landing::Whole);
            }
            _ => return self.land_edited(line, recipe, context),
        }
        self.land(line);
        self.note_at(number, recipe.kind, recipe.outcome, context);
        Some(Landing::Whole)
    }

    /// Writes an edited record; `None` if the edit is not applicable.
    fn land_edited(
        &mut self,
        line: &[u8],
        recipe: &Recipe,
        context: &mut WriteContext<'_>,
    ) -> Option<Landing> {
        let (dialect, number) = (self.dump.about().dialect, self.records + 1);
        let found = edited(line, dialect, recipe.edit, context.gap_local_s)?;
        let outcome = match found.swapped_day {
            Some(day) => self.swapped_outcome(day),
            None => recipe.outcome,
        };
        if matches!(recipe.edit, Edit::Cut) {
            self.land_unextended(&found.line);
        } else {
            self.land(&found.line);
        }
        self.note_at(number, recipe.kind, outcome, context);
        Some(match (outcome, recipe.edit, found.swapped_day) {
            (Outcome::Rejected { .. }, ..) => Landing::Lost,
            (_, Edit::Earlier(_), _) => Landing::Earlier(OVERLAP_S),
            (_, _, Some(Some(day))) => Landing::OtherDay(day),
            _ => Landing::Whole,
        })
    }

    /// Outcome of swapping day and month: not detectable if the result is a valid date.
    fn swapped_outcome(&self, day: Option<i32>) -> Outcome {
        let column = match self.dump {
            Dump::Plans => "date",
            Dump::WorkOrders => "start_date",
            _ => "registering_date",
        };
        match day {
            Some(_) => Outcome::Undetected,
            None => Outcome::Rejected { column, reason: "not_a_time", rule: "" },
        }
    }

    /// Writes the records held back from the file before.
    pub fn catch_up(&mut self, late: Vec<Vec<u8>>, context: &mut WriteContext<'_>) {
        for line in late {
            self.land(&line);
            self.note(FaultKind::LateRecord, Outcome::Kept, context);
        }
    }

    /// Ends the file, possibly in the middle of a record.
    pub fn close(&mut self, context: &mut WriteContext<'_>) {
        let dialect = self.dump.about().dialect;
        if self.has_new_column {
            self.note_file(FaultKind::NewColumn, context);
        }
        let is_cut = dialect != Dialect::Parquet
            && self.last.len() > FRAGMENT_BYTES
            && context.faults.strikes(FaultKind::TruncatedEnd, &mut context.rng);
        let fragment = cut(&self.last, dialect, FRAGMENT_BYTES).map(<[u8]>::to_vec);
        if let Some(fragment) = fragment.filter(|_| is_cut) {
            let reason = match dialect {
                Dialect::Delimited(_) => "too_few_fields",
                Dialect::Tokens => "no_match",
                _ => "not_json",
            };
            self.separate();
            self.text.extend_from_slice(&fragment);
            self.records += 1;
            let outcome = Outcome::Rejected { column: "", reason, rule: "" };
            return self.note(FaultKind::TruncatedEnd, outcome, context);
        }
        if dialect == Dialect::JsonArray {
            self.text.extend_from_slice(b"\n]\n");
        }
    }

    /// Records that the whole file arrives after later ones, if this fault is drawn.
    pub fn delay(&mut self, context: &mut WriteContext<'_>) {
        if context.faults.strikes(FaultKind::LateFile, &mut context.rng) {
            self.note_file(FaultKind::LateFile, context);
        }
    }

    fn note(&self, kind: FaultKind, outcome: Outcome, context: &mut WriteContext<'_>) {
        self.note_at(self.records, kind, outcome, context);
    }

    fn note_at(
        &self,
        record: u64,
        kind: FaultKind,
        outcome: Outcome,
        context: &mut WriteContext<'_>,
    ) {
        let (dump, file) = (self.dump, self.file.clone());
        context.injected.push(InjectedFault { kind, dump, file, record: Some(record), outcome });
    }

    fn note_file(&self, kind: FaultKind, context: &mut WriteContext<'_>) {
        let (dump, file) = (self.dump, self.file.clone());
        context.injected.push(InjectedFault {
            kind,
            dump,
            file,
            record: None,
            outcome: Outcome::Kept,
        });
    }

    /// Writes a record with the value of the new column, if there is one.
    fn land(&mut self, line: &[u8]) {
        if !self.has_new_column {
            return self.land_unextended(line);
        }
        let (name, value) = NEW_COLUMN;
        let line = match self.dump.about().dialect {
            Dialect::Delimited(delimiter) => [line, &[delimiter], value.as_bytes()].concat(),
            _ => {
                let open = &line[..line.len().saturating_sub(1)];
                [open, format!(",\"{name}\":\"{value}\"}}").as_bytes()].concat()
            }
        };
        self.land_unextended(&line);
    }

    fn land_unextended(&mut self, line: &[u8]) {
        self.separate();
        self.text.extend_from_slice(line);
        self.records += 1;
        self.last.clear();
        self.last.extend_from_slice(line);
        if self.dump.about().dialect != Dialect::JsonArray {
            self.end_line();
        }
    }

    /// Writes the separator between two objects of an array.
    fn separate(&mut self) {
        if self.dump.about().dialect == Dialect::JsonArray {
            let between: &[u8] = if self.records > 0 { b",\n" } else { b"\n" };
            self.text.extend_from_slice(between);
        }
    }

    fn end_line(&mut self) {
        self.text.extend_from_slice(self.dump.about().line_end.as_bytes());
    }
}
