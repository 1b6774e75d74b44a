//! Gzip with all its members, and the bytes that may follow them.

use super::Notes;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};

type Source = BufReader<Box<dyn Read>>;

/// Reads all gzip members in sequence. Zeros after the last one are padding of tapes and disks and are ignored;
/// other bytes are not read and reported in a note.
pub struct Members {
    state: State,
    notes: Notes,
}

enum State {
    Inside(Box<GzDecoder<Source>>),
    Done,
}

impl Members {
    pub fn new(source: Source, notes: Notes) -> Self {
        Self { state: State::Inside(Box::new(GzDecoder::new(source))), notes }
    }

    /// Continues after the end of a member.
    fn next_member(&mut self) -> io::Result<()> {
        let State::Inside(ended) = std::mem::replace(&mut self.state, State::Done) else {
            return Ok(());
        };
        let mut source = ended.into_inner();
        skip_zeros(&mut source)?;
        let mut mark = Vec::with_capacity(2);
        source.by_ref().take(2).read_to_end(&mut mark)?;
        if mark == [0x1f, 0x8b] {
            let whole: Box<dyn Read> = Box::new(io::Cursor::new(mark).chain(source));
            self.state = State::Inside(Box::new(GzDecoder::new(BufReader::new(whole))));
        } else if !mark.is_empty() {
            let after = mark.len() as u64 + io::copy(&mut source, &mut io::sink())?;
            self.notes.add(format!(
                "{after} bytes after the end of the gzip data are not gzip and were not read; if they \
                 are records, have the source write them into the gzip data"
            ));
        }
        Ok(())
    }
}

impl Read for Members {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let State::Inside(member) = &mut self.state {
            let read = member.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}

fn skip_zeros(source: &mut Source) -> io::Result<()> {
    loop {
        let waiting = source.fill_buf()?;
        let zeros = waiting.iter().take_while(|byte| **byte == 0).count();
        let is_over = zeros < waiting.len() || waiting.is_empty();
        source.consume(zeros);
        if is_over {
            return Ok(());
        }
    }
}
