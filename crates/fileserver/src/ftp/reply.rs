//! Replies of FTP.

use crate::failure::{Cause, Failure};

/// A reply of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FtpReply {
    pub code: u16,
    /// All lines; the first and the last without the code.
    pub lines: Vec<String>,
}

/// A line of a reply: its code, whether it is the last one, and its text.
pub fn line(text: &str) -> Option<(u16, bool, &str)> {
    let code = text.get(..3)?;
    if !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let is_last = match text.as_bytes().get(3) {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    Some((code.parse().ok()?, is_last, text.get(4..).unwrap_or_default()))
}

impl FtpReply {
    /// The failure of a command that was answered so.
    pub fn failure(&self, command: &str) -> Failure {
        let text = self.lines.join(" ");
        let lower = text.to_lowercase();
        let cause = match self.code {
            530 | 331 | 332 | 430 => Cause::Refused,
            550 if lower.contains("denied") || lower.contains("not permitted") => Cause::Denied,
            550 => Cause::Absent,
            534..=536 => Cause::Unsupported,
            // Errors that pass, such as too many connections, and transfers that were cut off.
            400..=499 => Cause::Broken,
            _ => Cause::Unsupported,
        };
        Failure::new(cause, format!("{command}: {} {text}", self.code))
    }

    /// The text of the last line.
    pub fn text(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }
}

/// The port of a reply to `EPSV`, such as `Entering Extended Passive Mode (|||50002|)`.
pub fn extended_port(text: &str) -> Option<u16> {
    let (_, inner) = text.split_once('(')?;
    let (inner, _) = inner.split_once(')')?;
    let sign = inner.chars().next()?;
    let mut fields = inner.split(sign).skip(3);
    fields.next()?.parse().ok().filter(|port| *port > 0)
}

/// The port of a reply to `PASV`, such as `Entering Passive Mode (127,0,0,1,195,82)`. The address is not used: behind a
/// router it is a wrong one, and a server could name another machine.
pub fn passive_port(text: &str) -> Option<u16> {
    let digits = |it: char| it.is_ascii_digit() || it == ',';
    let fields = text.split(|it| !digits(it)).find(|it| it.matches(',').count() == 5)?;
    let mut numbers = fields.split(',').skip(4).map(str::parse::<u8>);
    let (high, low) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(u16::from(high) << 8 | u16::from(low)).filter(|port| *port > 0)
}

/// The folder in a reply to `PWD`: in quotation marks, which are doubled in it.
pub fn quoted_folder(text: &str) -> Option<String> {
    let rest = text.strip_prefix('"')?;
    let mut folder = String::new();
    let mut signs = rest.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if signs.peek() == Some(&'"') => {
                signs.next();
                folder.push('"');
            }
            '"' => return Some(folder),
            _ => folder.push(sign),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(line("220 ready"), Some((220, true, "ready")));
        assert_eq!(line("211-Features:"), Some((211, false, "Features:")));
        assert_eq!(line("226"), Some((226, true, "")));
        for wrong in [" MLST size*;", "SSH-2.0", "2x0 a", "220+a", "22", "22é"] {
            assert_eq!(line(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ports_are_read() {
        assert_eq!(extended_port("Entering Extended Passive Mode (|||50002|)"), Some(50_002));
        assert_eq!(extended_port("Extended (!!!21!)."), Some(21));
        assert_eq!(extended_port("(|||70000|)"), None);
        assert_eq!(extended_port("(|||0|)"), None);
        assert_eq!(passive_port("Entering Passive Mode (127,0,0,1,195,82)."), Some(50_002));
        assert_eq!(passive_port("=10,0,0,1,0,21"), Some(21));
        for wrong in ["", "(1,2,3,4,5)", "(1,2,3,4,300,1)", "(1,2,3,4,0,0)"] {
            assert_eq!(passive_port(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_folder_of_the_user_is_read() {
        assert_eq!(quoted_folder("\"/home/a\" is current").as_deref(), Some("/home/a"));
        assert_eq!(quoted_folder("\"/a \"\"b\"\"\"").as_deref(), Some("/a \"b\""));
        assert_eq!(quoted_folder("/home"), None);
        assert_eq!(quoted_folder("\"/home"), None);
    }

    #[test]
    fn replies_have_a_cause() {
        for (code, text, expected) in [
            (530, "Login incorrect.", Cause::Refused),
            (550, "No such file", Cause::Absent),
            (550, "a.csv: Permission denied", Cause::Denied),
            (421, "Too many connections", Cause::Broken),
            (426, "Transfer aborted", Cause::Broken),
            (502, "Not implemented", Cause::Unsupported),
        ] {
            let reply = FtpReply { code, lines: vec![text.to_owned()] };
            assert_eq!(reply.failure("RETR").cause, expected, "{code} {text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "[0-9,(|) \"a-é-]{0,24}") {
            line(&text);
            extended_port(&text);
            passive_port(&text);
            quoted_folder(&text);
        }
    }
}
