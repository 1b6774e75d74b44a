//! Splits a JSON dump into its records, across chunks and with broken records.

use super::outer::{Outer, Step};
use super::scan::{Around, End, Scan, first_solid, is_blank, solid};
use crate::decode::error::DecodeError;
use crate::decode::lines::{self, Cut, LineEnds};
use batches::batch::Fault;
use serde::de::IgnoredAny;

/// The layout of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Style {
    /// A sequence of objects. The elements of an array of objects among them are records too.
    Objects,
    /// One array of objects, with or without objects around it.
    Array,
}

/// Finds the records of a JSON dump.
#[derive(Debug)]
pub(in crate::decode) struct Array {
    style: Style,
    max_record_bytes: usize,
    ends: LineEnds,
    part: Part,
    outer: Outer,
    /// The scan of a record over the limit, `None` if it ends with its line.
    scan: Option<Scan>,
}

/// The part of the file that is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Outside of everything.
    Outside,
    /// The objects around the array.
    Around,
    /// Elements of an array.
    Elements,
    /// A record in place of an array.
    Single,
    /// After the array: whitespace, or another array.
    After,
}

impl Array {
    pub fn new(style: Style, outer: Outer, max_record_bytes: usize) -> Self {
        let (part, ends) = (Part::Outside, LineEnds::Lf);
        Self { style, max_record_bytes, ends, part, outer, scan: None }
    }

    pub fn set_ends(&mut self, ends: LineEnds) {
        self.ends = ends;
    }

    /// The objects around the records.
    pub fn outer(&self) -> &Outer {
        &self.outer
    }

    pub fn outer_mut(&mut self) -> &mut Outer {
        &mut self.outer
    }

    /// Cuts off the first piece. `file_at` is the position of `bytes` in the file; `closed`: they are the last
    /// ones.
    pub fn cut(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        let (has_blanks, has_commas) = match self.part {
            Part::Elements => (true, true),
            Part::Outside => (true, self.style == Style::Objects),
            // Whitespace within a string is part of it.
            Part::Around => (!self.outer.is_within(), false),
            Part::Single | Part::After => (true, false),
        };
        let is_skipped = |byte: &u8| has_blanks && is_blank(*byte) || has_commas && *byte == b',';
        match bytes.iter().position(|byte| !is_skipped(byte)) {
            None if bytes.is_empty() => self.end(file_at, closed),
            None => Ok(Cut::Blank { next: bytes.len() }),
            Some(0) => self.cut_solid(bytes, file_at, closed),
            Some(next) => Ok(Cut::Blank { next }),
        }
    }

    /// Searches the end of a record over the limit, see [`lines::skip`].
    pub fn skip(&mut self, bytes: &[u8], closed: bool) -> Result<(usize, usize), usize> {
        let Some(scan) = &mut self.scan else { return lines::skip(bytes, closed, self.ends) };
        match scan.run(bytes) {
            Some(end) => Ok((end.to, end.next)),
            None if closed => Ok((bytes.len(), bytes.len())),
            None => Err(bytes.len()),
        }
    }

    fn end(&mut self, file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        match self.part {
            _ if !closed => Ok(Cut::More),
            Part::Outside if self.style == Style::Array => {
                Err(DecodeError::NoArray { size_bytes: file_at })
            }
            Part::Around if !self.outer.is_found() => Err(self.outer.missing()),
            // Something is not closed: the file was cut off, perhaps with records, which has to be
            // reported.
            Part::Elements | Part::Around | Part::Single => {
                self.part = Part::After;
                Ok(Cut::Faulty { to: 0, next: 0, fault: Fault::NotJson })
            }
            Part::Outside | Part::After => Ok(Cut::More),
        }
    }

    fn cut_solid(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        match (self.part, bytes[0]) {
            (Part::Outside, _) if self.style == Style::Objects => {
                Ok(self.cut_outside(bytes, closed))
            }
            (Part::Outside | Part::After, b'[') => Ok(self.enter(Part::Elements)),
            (Part::Outside, b'{') => {
                self.outer.enter();
                Ok(self.enter(Part::Around))
            }
            (Part::Outside, found) => Err(DecodeError::NotAnArray { byte: file_at, found }),
            (Part::Around, _) => self.cut_around(bytes, file_at, closed),
            (Part::Elements, b']') if self.outer.is_open() => Ok(self.enter(Part::Around)),
            (Part::Elements, b']') if self.style == Style::Objects => Ok(self.enter(Part::Outside)),
            (Part::Elements, b']') => Ok(self.enter(Part::After)),
            (Part::Elements, _) => Ok(self.cut_element(bytes, closed, Around::Array)),
            (Part::Single, _) => {
                let cut = self.cut_element(bytes, closed, Around::Nothing);
                if cut != Cut::More && self.part == Part::Single {
                    self.part = Part::Around;
                }
                Ok(cut)
            }
            (Part::After, _) => Ok(match self.cut_line(bytes, closed) {
                Cut::Record { to, next } => Cut::Faulty { to, next, fault: Fault::NotJson },
                other => other,
            }),
        }
    }

    /// Enters another part after the next byte.
    fn enter(&mut self, part: Part) -> Cut {
        self.part = part;
        Cut::Blank { next: 1 }
    }

    fn cut_around(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        Ok(match self.outer.step(bytes, file_at, closed)? {
            Step::More => Cut::More,
            Step::Skip(next) => Cut::Blank { next },
            Step::Array => self.enter(Part::Elements),
            Step::Single => {
                self.part = Part::Single;
                Cut::Blank { next: 0 }
            }
            Step::End if !self.outer.is_found() => return Err(self.outer.missing()),
            Step::End => self.enter(Part::After),
        })
    }

    /// A sequence of objects, any number per line and on any number of lines each.
    fn cut_outside(&mut self, bytes: &[u8], closed: bool) -> Cut {
        let window = &bytes[..bytes.len().min(self.max_record_bytes.saturating_add(1))];
        match bytes[0] {
            b'{' => self.cut_object(bytes, closed),
            b'[' => match first_solid(&window[1..]) {
                Some(b'{' | b']') => self.enter(Part::Elements),
                None if !closed && bytes.len() <= self.max_record_bytes => Cut::More,
                _ => self.cut_line(bytes, closed),
            },
            _ => self.cut_line(bytes, closed),
        }
    }

    /// An object up to its closing bracket. If it is not valid, its line is faulty: the next line may be valid
    /// again.
    fn cut_object(&mut self, bytes: &[u8], closed: bool) -> Cut {
        let limit = self.max_record_bytes;
        let window = &bytes[..bytes.len().min(lines::window_bytes(limit))];
        let is_whole = window.len() < bytes.len() || window.len() == lines::window_bytes(limit);
        let mut objects = serde_json::Deserializer::from_slice(window).into_iter::<IgnoredAny>();
        match objects.next() {
            Some(Ok(_)) if objects.byte_offset() <= limit => {
                let to = objects.byte_offset();
                Cut::Record { to, next: to }
            }
            Some(Ok(_)) => self.too_long(window),
            Some(Err(error)) if error.is_eof() && is_whole => match self.ends.find(window) {
                Some(_) => self.too_long(window),
                None => self.cut_line(bytes, closed),
            },
            Some(Err(error)) if error.is_eof() && !closed => Cut::More,
            _ => self.cut_line(bytes, closed),
        }
    }

    fn too_long(&mut self, window: &[u8]) -> Cut {
        let mut scan = Scan::new(Around::Nothing);
        let seen = window.len().min(self.max_record_bytes);
        let is_within = scan.run(&window[..seen]).is_none();
        self.scan = Some(scan).filter(|_| is_within);
        Cut::TooLong { seen }
    }

    fn cut_line(&mut self, bytes: &[u8], closed: bool) -> Cut {
        self.scan = None;
        lines::cut(bytes, self.max_record_bytes, closed, self.ends)
    }

    fn cut_element(&mut self, bytes: &[u8], closed: bool, around: Around) -> Cut {
        let limit = self.max_record_bytes;
        let window = &bytes[..bytes.len().min(limit.saturating_add(1))];
        let mut scan = Scan::new(around);
        let found = scan.run(window);
        let is_whole = scan.is_whole();
        self.scan = Some(scan);
        match found {
            Some(End { to, next, torn: false }) => Cut::Record { to: solid(&bytes[..to]), next },
            Some(End { to, next, torn: true }) => {
                Cut::Faulty { to: solid(&bytes[..to]), next, fault: Fault::NotJson }
            }
            None if window.len() > limit => Cut::TooLong { seen: window.len() },
            None if closed && is_whole => Cut::Record { to: solid(bytes), next: bytes.len() },
            None if closed => {
                self.part = Part::After;
                Cut::Faulty { to: solid(bytes), next: bytes.len(), fault: Fault::NotJson }
            }
            None => Cut::More,
        }
    }
}

#[cfg(test)]
mod tests;
