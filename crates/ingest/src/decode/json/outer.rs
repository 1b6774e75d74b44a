//! The objects around an array of records: the way to the array, and the fields beside it.

use super::super::error::DecodeError;
use super::object::lookup;
use super::scan::{Around, End, Scan, first_solid, solid};
use plant::contract::{Contract, Origin};

/// Deeper objects are passed over; no export nests its records deeper.
const MAX_DEPTH: usize = 32;
/// At most so many names are remembered for a message.
const MAX_NAMES: usize = 100;

/// What comes next in the objects around the records.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing that can be told before more bytes are known.
    More,
    /// This many bytes that hold no record.
    Pass(usize),
    /// An array of records, which begins with the next byte.
    Array,
    /// A single record in place of an array.
    Single,
    /// The end of the outermost object, with the next byte.
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
    /// Behind a value.
    Behind,
}

/// How often the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Once: the fields have to be before the array.
    Only,
    First,
    Second,
}

/// Follows the objects around the records, wherever a chunk ends.
#[derive(Debug)]
pub(super) struct Outer {
    /// Path of the array; `None` if it is the only array of objects.
    records: Option<String>,
    /// Fields beside the array: column of the contract, and path.
    wanted: Vec<(usize, String)>,
    /// Values of the fields by column.
    fields: Vec<Option<String>>,
    pass: Pass,
    /// The paths of the objects that are open, each with a dot behind it.
    open: Vec<String>,
    at: At,
    scan: Scan,
    /// Where the value that is passed over begins in the file.
    value_at: u64,
    /// The way to the array that is being read.
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

    /// Whether the records were found.
    pub fn is_found(&self) -> bool {
        self.is_found
    }

    /// The path of the array that is being read, `None` if nothing is around it.
    pub fn array(&self) -> Option<&str> {
        self.array.as_deref()
    }

    /// The values of the fields beside the array, by column.
    pub fn fields(&self) -> &[Option<String>] {
        &self.fields
    }

    /// Whether fields beside the array are wanted, which may be behind it.
    pub fn has_fields(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Makes this the first of two passes, which looks for the fields alone.
    pub fn preview(&mut self) {
        self.pass = Pass::First;
    }

    /// Makes this the second pass, with the fields that the first one found.
    pub fn set_fields(&mut self, fields: Vec<Option<String>>) {
        self.fields = fields;
        self.pass = Pass::Second;
    }

    /// Why the file is refused if its objects end without records.
    pub fn missing(&self) -> DecodeError {
        DecodeError::NoRecords { path: self.records.clone(), found: self.names.clone() }
    }

    /// What comes next. `bytes` begin with a sign that is no blank.
    pub fn step(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Step, DecodeError> {
        let bad = DecodeError::BadEnvelope { byte: file_at };
        match (std::mem::replace(&mut self.at, At::Key), bytes[0]) {
            (At::Key, b'"') => return self.key(bytes, file_at, closed),
            (At::Key | At::Behind, b'}') => return Ok(self.leave()),
            (At::Behind, b',') => self.at = At::Key,
            (At::Colon(key), b':') => self.at = At::Value(key),
            (At::Value(key), _) => return self.value(key, bytes, file_at, closed),
            (At::Within, _) => return self.pass(bytes),
            _ => return Err(bad),
        }
        Ok(Step::Pass(1))
    }

    fn leave(&mut self) -> Step {
        self.open.pop();
        self.at = At::Behind;
        if self.is_open() { Step::Pass(1) } else { Step::End }
    }

    fn key(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Step, DecodeError> {
        let bad = || DecodeError::BadEnvelope { byte: file_at };
        let mut keys =
            serde_json::Deserializer::from_slice(self.window(bytes)).into_iter::<String>();
        match keys.next() {
            Some(Ok(key)) => {
                self.at = At::Colon(key);
                Ok(Step::Pass(keys.byte_offset()))
            }
            Some(Err(error)) if error.is_eof() && self.may_wait(bytes, closed) => Ok(Step::More),
            _ => Err(bad()),
        }
    }

    /// The bytes that decide, so that it does not matter how many more are known.
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
        let way = Way::of(&path, self.records.as_deref());
        if self.names.len() < MAX_NAMES {
            self.names.push(path.clone());
        }
        match (bytes[0], way) {
            (b'[', Way::There | Way::Towards) => self.found(path),
            (b'[', Way::Unknown) => match first_solid(&self.window(bytes)[1..]) {
                None if self.may_wait(bytes, closed) => {
                    self.names.pop();
                    self.at = At::Value(key);
                    Ok(Step::More)
                }
                Some(b'{') if self.array.is_some() => self.several(path),
                Some(b'{') => self.found(path),
                inside => {
                    self.is_found |= inside == Some(b']');
                    self.begin(path, bytes, file_at, closed)
                }
            },
            (b'{', Way::There) => self.found(path).map(|_| Step::Single),
            (b'{', Way::Towards | Way::Unknown) if self.open.len() < MAX_DEPTH => {
                self.open.push(path + ".");
                Ok(Step::Pass(1))
            }
            (first, way) => {
                self.is_found |= first == b'n' && way == Way::There;
                self.begin(path, bytes, file_at, closed)
            }
        }
    }

    fn found(&mut self, path: String) -> Result<Step, DecodeError> {
        self.at = At::Behind;
        self.is_found = true;
        self.array = Some(path);
        Ok(Step::Array)
    }

    fn several(&self, path: String) -> Result<Step, DecodeError> {
        let paths = self.array.iter().cloned().chain([path]).collect();
        Err(DecodeError::SeveralArrays { paths })
    }

    /// Begins a value that holds no records.
    fn begin(
        &mut self,
        path: String,
        bytes: &[u8],
        file_at: u64,
        closed: bool,
    ) -> Result<Step, DecodeError> {
        self.scan = Scan::new(Around::Object);
        self.value_at = file_at;
        let is_wanted = self.wanted.iter().any(|(_, it)| Way::of(&path, Some(it)).is_near());
        if self.pass == Pass::Second || !is_wanted {
            return self.pass(bytes);
        }
        match self.scan.run(&bytes[..bytes.len().min(self.max_value_bytes.saturating_add(1))]) {
            Some(End { to, torn: false, .. }) => {
                self.take(&path, &bytes[..solid(&bytes[..to])], file_at)?;
                self.at = At::Behind;
                Ok(Step::Pass(to))
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

    fn pass(&mut self, bytes: &[u8]) -> Result<Step, DecodeError> {
        match self.scan.run(bytes) {
            None => {
                self.at = At::Within;
                Ok(Step::Pass(bytes.len()))
            }
            Some(End { torn: true, .. }) => Err(DecodeError::BadEnvelope { byte: self.value_at }),
            Some(End { to, .. }) => {
                self.at = At::Behind;
                Ok(Step::Pass(to))
            }
        }
    }

    /// Takes the values of the columns in a member of an object.
    fn take(&mut self, path: &str, json: &[u8], file_at: u64) -> Result<(), DecodeError> {
        let bad = || DecodeError::BadEnvelope { byte: file_at };
        let json = std::str::from_utf8(json).map_err(|_no_text| bad())?;
        for (column, wanted) in &self.wanted {
            let deeper = match Way::of(path, Some(wanted)) {
                Way::There => "",
                Way::Towards => &wanted[path.len() + 1..],
                Way::Unknown | Way::Elsewhere => continue,
            };
            if self.array.is_some() && self.pass == Pass::Only {
                return Err(DecodeError::EnvelopeBehind { path: wanted.clone() });
            }
            let found = lookup(json, deeper).map_err(|_no_json| bad())?;
            self.fields[*column] = found.or_else(|| self.fields[*column].take());
        }
        Ok(())
    }
}

/// How a place in an object relates to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It is the path.
    There,
    /// The path leads through it.
    Towards,
    Elsewhere,
    /// There is no path.
    Unknown,
}

impl Way {
    fn of(place: &str, path: Option<&str>) -> Self {
        let Some(path) = path else { return Self::Unknown };
        match path.strip_prefix(place) {
            Some("") => Self::There,
            Some(deeper) if deeper.starts_with('.') => Self::Towards,
            _ => Self::Elsewhere,
        }
    }

    fn is_near(self) -> bool {
        matches!(self, Self::There | Self::Towards)
    }
}
