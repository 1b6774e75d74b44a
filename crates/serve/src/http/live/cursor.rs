//! Ids of events: the position of a viewer in the frames of temperatures and in the journal of alarms.
//!
//! A browser returns only the id of the last event of any kind when it reconnects. So the id of each event
//! contains both positions: `FRAME~NUMBER`. The bytes of a frame are shared by its viewers; the number is
//! inserted between two slices of them, without a copy.

use bytes::Bytes;

const SEPARATOR: char = '~';
/// The line of a frame with its id.
const ID_LINE: &[u8] = b"\nid: ";

/// What a viewer has received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// Id of the last frame; empty before the first one.
    pub frame: String,
    /// Number of the last journal entry; `None` if the viewer has not received alarms.
    pub number: Option<i64>,
}

impl Position {
    /// The position in the id of an event.
    pub fn parse(id: &str) -> Self {
        let Some((frame, number)) = id.split_once(SEPARATOR) else {
            return Self { frame: id.to_owned(), number: None };
        };
        let number = number.parse().ok().filter(|number| *number >= 0);
        Self { frame: frame.to_owned(), number }
    }

    /// The id of an event after which this position is reached.
    pub fn id(&self) -> String {
        match self.number {
            Some(number) => format!("{}{SEPARATOR}{number}", self.frame),
            None => self.frame.clone(),
        }
    }

    /// Advances by a frame, and returns its bytes with the id of the new position.
    pub fn advance(&mut self, frame: Bytes) -> Vec<Bytes> {
        let Some(range) = find_id(&frame) else { return vec![frame] };
        self.frame = String::from_utf8_lossy(&frame[range.clone()]).into_owned();
        let Some(number) = self.number else { return vec![frame] };
        let suffix = Bytes::from(format!("{SEPARATOR}{number}"));
        vec![frame.slice(..range.end), suffix, frame.slice(range.end..)]
    }
}

/// Where the last id in the bytes of a frame is. There is one at most, since each frame holds values once.
fn find_id(frame: &[u8]) -> Option<std::ops::Range<usize>> {
    let line = frame.windows(ID_LINE.len()).position(|bytes| bytes == ID_LINE)?;
    let start = line + ID_LINE.len();
    let length = frame[start..].iter().position(|byte| *byte == b'\n')?;
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_position() {
        for (frame, number) in [("boot-17", Some(8)), ("", Some(0)), ("boot-17", None), ("", None)]
        {
            let position = Position { frame: frame.to_owned(), number };
            assert_eq!(Position::parse(&position.id()), position);
        }
        for id in ["boot-17~x", "boot-17~", "boot-17~-1", "boot-17~1~2"] {
            assert_eq!(Position::parse(id).number, None, "{id}");
        }
    }

    #[test]
    fn the_number_is_inserted_behind_the_id_of_a_frame() {
        let bytes =
            Bytes::from("event: dict\ndata: {\"s\":[]}\n\nevent: t\nid: b-18\ndata: {}\n\n");
        let mut position = Position { frame: "b-17".to_owned(), number: Some(5) };
        let sent = position.advance(bytes.clone()).concat();
        let expected =
            "event: dict\ndata: {\"s\":[]}\n\nevent: t\nid: b-18~5\ndata: {}\n\n".as_bytes();
        assert_eq!((sent.as_slice(), position.frame.as_str()), (expected, "b-18"));
        let mut without = Position { number: None, ..Position::default() };
        assert_eq!(without.advance(bytes.clone()), [bytes]);
        let beat = Bytes::from("event: hb\ndata: {}\n\n");
        assert_eq!(position.advance(beat.clone()), [beat]);
        assert_eq!(position.id(), "b-18~5");
    }

    #[test]
    fn slices_share_the_bytes_of_the_frame() {
        let bytes = Bytes::from("event: t\nid: b-1\ndata: {}\n\n");
        let mut position = Position { frame: String::new(), number: Some(1) };
        let parts = position.advance(bytes.clone());
        assert_eq!(parts[0].as_ptr(), bytes.as_ptr());
        assert_eq!(parts[2].as_ptr(), bytes[16..].as_ptr());
    }
}
