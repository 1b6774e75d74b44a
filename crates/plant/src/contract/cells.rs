//! Ranges of cells of a sheet.

/// A rectangle of cells; rows and columns are counted from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CellRange {
    pub first_row: u32,
    pub first_column: u32,
    /// `None`: up to the last row that is not empty.
    pub last_row: Option<u32>,
    /// `None`: up to the last column that is not empty.
    pub last_column: Option<u32>,
}

/// The most rows and columns of a sheet (Office Open XML).
const SHEET_ROWS: u32 = 1 << 20;
const SHEET_COLUMNS: u32 = 1 << 14;

impl CellRange {
    /// Parses a range as spreadsheets write it: `B3:H200`, `B3:H` (all rows from 3), `B:H`, or `B3` (everything
    /// from that cell). `None` if it is invalid or reversed.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = match text.split_once(':') {
            Some((first, last)) => (first, Some(last)),
            None => (text, None),
        };
        let (first_column, first_row) = cell(first)?;
        let first_row = match (first_row, last) {
            (Some(row), _) => row,
            (None, Some(_)) => 0,
            (None, None) => return None,
        };
        let (last_column, last_row) = match last.map(cell) {
            None => (None, None),
            Some(last) => last.map(|(column, row)| (Some(column), row))?,
        };
        let is_reversed = last_column.is_some_and(|last| last < first_column)
            || last_row.is_some_and(|last| last < first_row);
        (!is_reversed).then_some(Self { first_row, first_column, last_row, last_column })
    }

    /// Whether a cell is within the range.
    pub fn contains(&self, row: u32, column: u32) -> bool {
        row >= self.first_row
            && column >= self.first_column
            && self.last_row.is_none_or(|last| row <= last)
            && self.last_column.is_none_or(|last| column <= last)
    }
}

/// Column and row of `B3`, or the column of `B`, counted from 0.
fn cell(text: &str) -> Option<(u32, Option<u32>)> {
    let digits = text.find(|it: char| it.is_ascii_digit()).unwrap_or(text.len());
    let (letters, row) = text.split_at(digits);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let mut column = 0;
    for letter in letters.chars() {
        let letter = letter.to_ascii_uppercase();
        column =
            column * 26 + letter.is_ascii_uppercase().then(|| letter as u32 - 'A' as u32 + 1)?;
    }
    let row = match row {
        "" => None,
        row => Some(row.parse::<u32>().ok()?.checked_sub(1)?),
    };
    let is_valid = column <= SHEET_COLUMNS && row.is_none_or(|row| row < SHEET_ROWS);
    is_valid.then_some((column - 1, row))
}

#[cfg(test)]
mod tests {
    use super::CellRange;

    fn range(columns: (u32, Option<u32>), rows: (u32, Option<u32>)) -> CellRange {
        let ((first_column, last_column), (first_row, last_row)) = (columns, rows);
        CellRange { first_row, first_column, last_row, last_column }
    }

    #[test]
    fn ranges_are_written_as_in_spreadsheets() {
        let check = |text, expected| assert_eq!(CellRange::parse(text), expected, "{text}");
        check("B3:H200", Some(range((1, Some(7)), (2, Some(199)))));
        check("b3:h", Some(range((1, Some(7)), (2, None))));
        check("B:AA", Some(range((1, Some(26)), (0, None))));
        check("C4", Some(range((2, None), (3, None))));
        check("A1:XFD1048576", Some(range((0, Some(16_383)), (0, Some(1_048_575)))));
        for invalid in
            ["", "B", "3", "B0", "H3:B4", "B4:H3", "A1:XFE2", "A1048577", "A1:", "B3-H4", "Ä1"]
        {
            check(invalid, None);
        }
    }

    #[test]
    fn a_range_contains_its_corners() {
        let range = CellRange::parse("B3:D5").unwrap_or_default();
        assert!(range.contains(2, 1) && range.contains(4, 3));
        assert!(!range.contains(1, 1) && !range.contains(2, 0) && !range.contains(5, 3));
    }
}
