//! The objects around an array of records: the path to the array, and the fields beside it.

use super::object::lookup;
use super::scan::{Around, End, Scan, first_solid, solid};
use crate::decode::error::DecodeError;
use plant::contract::{Contract, Origin};

/// Objects nested deeper are skipped; no export nests its records deeper.
const MAX_DEPTH: usize = 32;
/// The most names kept for an error message.
const MAX_NAMES: usize = 100;

/// The next step in the objects around the records.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes are needed.
    More,
    /// Skip this many bytes, which contain no record.
    Skip(usize),
    /// An array of records starts with the next byte.
    Array,
    /// A single record in place of an array.
    Single,
    /// The outermost object ends with the next byte.
    End,
}

/// The part of an object that is next.
#[derive(Debug)]
enum At {
    Key,
    Colon(String),
    Value(String),
    /// Within a value that is not needed.
    Within,
    /// After a value.
    After,
}

/// Which pass over the file this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// The only one: the fields have to precede the array.
    Only,
    First,
    Second,
}

/// Reads the objects around the records, across chunks.
#[derive(Debug)]
pub(super) struct Outer {
    /// Path of the array; `None` if it is the only array of objects.
    records: Option<String>,
    /// Fields beside the array: column of the contract, and path.
    wanted: Vec<(usize, String)>,
    /// Values of the fields by column.
    fields: Vec<Option<String>>,
    pass: Pass,
    /// The paths of the open objects, each followed by a dot.
    open: Vec<String>,
    at: At,
    scan: Scan,
    /// Position in the file of the value that is skipped.
    value_at: u64,
    /// The path of the array that is being read.
    array: Option<String>,
    is_found: bool,
    names: Vec<String>,
    max_value_bytes: usize,
}

impl Outer {
    pub fn new(contract: &Contract, max_value_bytes: usize) -> Self {
        let columns = contract.columns.iter().enumerate();
        let wanted = columns.filter(|(_, column)| column.origin == Origin::Envelope);
        Self {
            records: contract.records.clone(),
            wanted: wanted.map(|(at, column)| (at, column.header.clone())).collect(),
            fields: vec![None; contract.columns.len()],
            pass: Pass::Only,
            open: Vec::new(),
            at: At::Key,
            scan: Scan::default(),
            value_at: 0,
            array: None,
            is_found: false,
            names: Vec::new(),
            max_value_bytes,
        }
    }

    /// Enters the outermost object.
    pub fn enter(&mut self) {
        self.open.push(String::new());
        self.at = At::Key;
    }

    /// Whether an object is open.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether the next byte is within a value.
    pub fn is_within(&self) -> bool {
        matches!(self.at, At::Within)
    }

    /// Whether the records are found.
    pub fn is_found(&self) -> bool {
        self.is_found
    }

    /// The path of the array that is being read, `None` if it is not in an object.
    pub fn array(&self) -> Option<&str> {
        self.array.as_deref()
    }

    /// The values of the fields beside the array, by column.
    pub fn fields(&self) -> &[Option<String>] {
        &self.fields
    }

    /// Whether the contract has fields of the envelope, which may follow the array.
    pub fn has_fields(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Makes this the first of two passes, which reads only the fields.
    pub fn preview(&mut self) {
        self.pass = Pass::First;
    }

    /// Makes this the second pass, with the fields of the first one.
    pub fn set_fields(&mut self, fields: Vec<Option<String>>) {
        self.fields = fields;
        self.pass = Pass::Second;
    }

    /// The error if the objects end without records.
    pub fn missing(&self) -> DecodeError {
        DecodeError::NoRecords { path: self.records.clone(), found: self.names.clone() }
    }

    /// The next step. `bytes` do not start with whitespace.
    pub fn step(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Step, DecodeError> {
        let bad = DecodeError::BadEnvelope { byte: file_at };
        match (std::mem::replace(&mut self.at, At::Key), bytes[0]) {
            (At::Key, b'"') => return self.key(bytes, file_at, closed),
            (At::Key | At::After, b'}') => return Ok(self.leave()),
            (At::After, b',') => self.at = At::Key,
            (At::Colon(key), b':') => self.at = At::Value(key),
            (At::Value(key), _) => return self.value(key, bytes, file_at, closed),
            (At::Within, _) => return self.skip_value(bytes),
            _ => return Err(bad),
        }
        Ok(Step::Skip(1))
    }

    fn leave(&mut self) -> Step {
        self.open.pop();
        self.at = At::After;
        if self.is_open() { Step::Skip(1) } else { Step::End }
    }

    fn key(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Step, DecodeError> {
        let bad = || DecodeError::BadEnvelope { byte: file_at };
        let mut keys =
            serde_json::Deserializer::from_slice(self.window(bytes)).into_iter::<String>();
        match keys.next() {
            Some(Ok(key)) => {
                self.at = At::Colon(key);
                Ok(Step::Skip(keys.byte_offset()))
            }
            Some(Err(error)) if error.is_eof() && self.may_wait(bytes, closed) => Ok(Step::More),
            _ => Err(bad()),
        }
    }

    /// The bytes that decide, so that the result does not depend on the chunk size.
    fn window<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[..bytes.len().min(self.max_value_bytes.saturating_add(1))]
    }

    fn may_wait(&self, bytes: &[u8], closed: bool) -> bool {
        !closed && bytes.len() <= self.max_value_bytes
    }

    fn value(
        &mut self,
        key: String,
        bytes: &[u8],
        file_at: u64,
        closed: bool,
    ) -> Result<Step, DecodeError> {
        let path = format!("{}{key}", self.open.last().map_or("", String::as_str));
        let relation = Relation::to_path(&path, self.records.as_deref());
        if self.names.len() < MAX_NAMES {
            self.names.push(path.clone());
        }
        match (bytes[0], relation) {
            (b'[', Relation::Same | Relation::Above) => self.found(path),
            (b'[', Relation::NoPath) => match first_solid(&self.window(bytes)[1..]) {
                None if self.may_wait(bytes, closed) => {
                    self.names.pop();
                    self.at = At::Value(key);
                    Ok(Step::More)
                }
                Some(b'{') if self.array.is_some() => self.several(path),
                Some(b'{') => self.found(path),
                inside => {
                    self.is_found |= inside == Some(b']');
                    self.start_value(path, bytes, file_at, closed)
                }
            },
            (b'{', Relation::Same) => self.found(path).map(|_| Step::Single),
            (b'{', Relation::Above | Relation::NoPath) if self.open.len() < MAX_DEPTH => {
                self.open.push(path + ".");
                Ok(Step::Skip(1))
            }
            (first, relation) => {
                self.is_found |= first == b'n' && relation == Relation::Same;
                self.start_value(path, bytes, file_at, closed)
            }
        }
    }

    fn found(&mut self, path: String) -> Result<Step, DecodeError> {
        self.at = At::After;
        self.is_found = true;
        self.array = Some(path);
        Ok(Step::Array)
    }

    fn several(&self, path: String) -> Result<Step, DecodeError> {
        let paths = self.array.iter().cloned().chain([path]).collect();
        Err(DecodeError::SeveralArrays { paths })
    }

    /// Starts a value without records.
    fn start_value(
        &mut self,
        path: String,
        bytes: &[u8],
        file_at: u64,
        closed: bool,
    ) -> Result<Step, DecodeError> {
        self.scan = Scan::new(Around::Object);
        self.value_at = file_at;
        let is_wanted =
            self.wanted.iter().any(|(_, it)| Relation::to_path(&path, Some(it)).is_on_path());
        if self.pass == Pass::Second || !is_wanted {
            return self.skip_value(bytes);
        }
        match self.scan.run(&bytes[..bytes.len().min(self.max_value_bytes.saturating_add(1))]) {
            Some(End { to, torn: false, .. }) => {
                self.take_fields(&path, &bytes[..solid(&bytes[..to])], file_at)?;
                self.at = At::After;
                Ok(Step::Skip(to))
            }
            None if self.may_wait(bytes, closed) => {
                let prefix = self.open.last().map_or(0, String::len);
                self.at = At::Value(path[prefix..].to_owned());
                self.names.pop();
                Ok(Step::More)
            }
            _ => Err(DecodeError::BadEnvelope { byte: file_at }),
        }
    }

    fn skip_value(&mut self, bytes: &[u8]) -> Result<Step, DecodeError> {
        match self.scan.run(bytes) {
            None => {
                self.at = At::Within;
                Ok(Step::Skip(bytes.len()))
            }
            Some(End { torn: true, .. }) => Err(DecodeError::BadEnvelope { byte: self.value_at }),
            Some(End { to, .. }) => {
                self.at = At::After;
                Ok(Step::Skip(to))
            }
        }
    }

    /// Reads the values of envelope columns in a member of an object.
    fn take_fields(&mut self, path: &str, json: &[u8], file_at: u64) -> Result<(), DecodeError> {
        let bad = || DecodeError::BadEnvelope { byte: file_at };
        let json = std::str::from_utf8(json).map_err(|_no_text| bad())?;
        for (column, wanted) in &self.wanted {
            let deeper = match Relation::to_path(path, Some(wanted)) {
                Relation::Same => "",
                Relation::Above => &wanted[path.len() + 1..],
                Relation::NoPath | Relation::Unrelated => continue,
            };
            if self.array.is_some() && self.pass == Pass::Only {
                return Err(DecodeError::EnvelopeFollows { path: wanted.clone() });
            }
            let found = lookup(json, deeper).map_err(|_no_json| bad())?;
            self.fields[*column] = found.or_else(|| self.fields[*column].take());
        }
        Ok(())
    }
}

/// How the position of a value relates to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The value is at the path.
    Same,
    /// The path leads through the value.
    Above,
    Unrelated,
    /// There is no path.
    NoPath,
}

impl Relation {
    fn to_path(position: &str, path: Option<&str>) -> Self {
        let Some(path) = path else { return Self::NoPath };
        match path.strip_prefix(position) {
            Some("") => Self::Same,
            Some(deeper) if deeper.starts_with('.') => Self::Above,
            _ => Self::Unrelated,
        }
    }

    fn is_on_path(self) -> bool {
        matches!(self, Self::Same | Self::Above)
    }
}
