//! The layout of a delimited file: which cell of a record belongs to which column.

use crate::decode::error::DecodeError;
use batches::batch::Fault;
use plant::columns::{Expected, positions};
use plant::contract::Column;

/// Which cell of a record belongs to which column.
#[derive(Debug)]
pub(in crate::decode) struct Layout {
    /// The cell of each column of the contract, `None` if the file lacks it.
    pub columns: Vec<Option<usize>>,
    /// Cells without a column in the contract, and their keys.
    pub others: Vec<(usize, String)>,
    /// Number of cells of a record.
    pub width: usize,
    /// The names of the header, empty if there is none.
    pub names: Vec<String>,
    /// Whether each line of the file ends with a superfluous delimiter.
    pub trailing: bool,
    /// The header as in the file, empty if there is none.
    header: Vec<u8>,
}

impl Layout {
    /// The layout of a file without a header, from the number of cells of its first record and whether the
    /// last of them is empty.
    pub fn unnamed(columns: &[Column], first_cells: usize, last_is_empty: bool) -> Self {
        let width = columns.len();
        Self {
            columns: (0..width).map(Some).collect(),
            others: Vec::new(),
            width,
            names: Vec::new(),
            trailing: first_cells == width + 1 && last_is_empty,
            header: Vec::new(),
        }
    }

    /// The layout of a file with a header of these names.
    ///
    /// # Errors
    /// [`DecodeError::OtherLayout`] if a required column or every column is missing.
    pub fn named(
        columns: &[Column],
        is_case_sensitive: bool,
        raw: &[u8],
        names: &[String],
    ) -> Result<Self, DecodeError> {
        let trailing = names.len() > 1 && names.last().is_some_and(String::is_empty);
        let names = &names[..names.len() - usize::from(trailing)];
        let headers: Vec<&str> = columns.iter().map(Column::header_in_record).collect();
        let cells = positions(names, Expected { headers: &headers, is_case_sensitive });
        let missing = columns.iter().zip(&cells).filter(|(_, cell)| cell.is_none());
        let any_required = missing.clone().any(|(column, _)| column.required);
        if any_required || cells.iter().all(Option::is_none) {
            return Err(DecodeError::OtherLayout {
                missing: missing.map(|(column, _)| column.header.clone()).collect(),
                found: names.to_vec(),
            });
        }
        let others = (0..names.len()).filter(|cell| !cells.contains(&Some(*cell))).collect();
        Ok(Self {
            others: keys(names, others),
            columns: cells,
            width: names.len(),
            names: names.to_vec(),
            trailing,
            header: raw.to_vec(),
        })
    }

    /// Length of the header in the file.
    pub fn header_bytes(&self) -> usize {
        self.header.len()
    }

    /// Whether a record repeats the header.
    pub fn is_header(&self, raw: &[u8]) -> bool {
        !self.header.is_empty() && raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw) == self.header
    }

    /// The fault of a record with this number of cells.
    pub fn fault(&self, cells: usize, last_is_empty: bool) -> Option<Fault> {
        match cells {
            _ if cells == self.width => None,
            _ if self.trailing && last_is_empty && cells == self.width + 1 => None,
            _ if cells < self.width => Some(Fault::TooFewFields),
            _ => Some(Fault::TooManyFields),
        }
    }
}

/// The keys of cells without a column: the names in the header, with the position where they are not unique.
fn keys(names: &[String], cells: Vec<usize>) -> Vec<(usize, String)> {
    let key = |cell: usize| match names[cell].as_str() {
        "" => format!("column_{}", cell + 1),
        name if names[..cell].iter().any(|earlier| earlier == name) => {
            format!("{name}_{}", cell + 1)
        }
        name => name.to_owned(),
    };
    cells.into_iter().map(|cell| (cell, key(cell))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::contract;
    use plant::contract::Format;

    fn named(header: &str) -> Result<Layout, DecodeError> {
        let columns = contract(Format::JsonLines, &["*A", "B"]).columns;
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        Layout::named(&columns, false, header.as_bytes(), &names)
    }

    #[test]
    fn columns_are_found_by_name() {
        let check = |header, columns: &[Option<usize>], others: &[(usize, &str)]| {
            let layout = named(header).unwrap();
            assert_eq!(layout.columns, columns);
            let keys: Vec<_> =
                layout.others.iter().map(|(cell, key)| (*cell, key.as_str())).collect();
            assert_eq!(keys, others);
        };
        check("A,B", &[Some(0), Some(1)], &[]);
        check("B,A", &[Some(1), Some(0)], &[]);
        check("A", &[Some(0), None], &[]);
        check("C,A,,A", &[Some(1), None], &[(0, "C"), (2, "column_3"), (3, "A_4")]);
        check("A,B,", &[Some(0), Some(1)], &[]);
        check("b,a", &[Some(1), Some(0)], &[]);
        check("a,A,b", &[Some(1), Some(2)], &[(0, "a")]);
    }

    #[test]
    fn another_layout_is_named() {
        let text = named("B,C").unwrap_err().to_string();
        assert!(text.contains("missing [A], found [B, C]"), "{text}");
    }
}
