//! Topics that a broker replaces by numbers for the time of a connection (MQTT 5, section 3.3.2.3.4).
//!
//! The state of `rumqttc` resolves these numbers in a copy that it discards: the message that it reports has an
//! empty topic.

use std::collections::HashMap;

/// The topics of the numbers of one connection.
#[derive(Debug)]
pub struct Aliases {
    topics: HashMap<u16, String>,
    /// The highest number.
    most: u16,
}

impl Aliases {
    /// Numbers from 1 to `most`.
    pub fn up_to(most: u16) -> Self {
        Self { topics: HashMap::new(), most }
    }

    /// The topic of a message, by its text or its number. A message that has both defines the number.
    ///
    /// # Errors
    /// Describes why the message has no topic.
    pub fn topic(&mut self, text: &[u8], alias: Option<u16>) -> Result<String, &'static str> {
        let Ok(text) = std::str::from_utf8(text) else { return Err("a topic is not UTF-8") };
        match alias {
            Some(alias) if alias == 0 || alias > self.most => {
                Err("a topic alias is not one of those that this program accepts")
            }
            Some(alias) if text.is_empty() => {
                self.topics.get(&alias).cloned().ok_or("a topic alias was not defined")
            }
            Some(alias) => {
                self.topics.insert(alias, text.to_owned());
                Ok(text.to_owned())
            }
            None if text.is_empty() => Err("a message has no topic"),
            None => Ok(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_topic_that_was_last_defined() {
        let mut aliases = Aliases::up_to(2);
        assert_eq!(aliases.topic(b"a", None).unwrap(), "a");
        assert!(aliases.topic(b"", Some(1)).is_err());
        assert_eq!(aliases.topic(b"a", Some(1)).unwrap(), "a");
        assert_eq!(aliases.topic(b"b", Some(2)).unwrap(), "b");
        assert_eq!(aliases.topic(b"", Some(1)).unwrap(), "a");
        assert_eq!(aliases.topic(b"c", Some(1)).unwrap(), "c");
        assert_eq!(aliases.topic(b"", Some(1)).unwrap(), "c");
        assert_eq!(aliases.topic(b"", Some(2)).unwrap(), "b");
    }

    #[test]
    fn a_message_without_a_topic_is_a_fault() {
        let mut aliases = Aliases::up_to(2);
        for (text, alias) in
            [(&b""[..], None), (b"a", Some(0)), (b"a", Some(3)), (b"\xff", None), (b"", Some(2))]
        {
            assert!(aliases.topic(text, alias).is_err(), "{text:?} {alias:?}");
        }
        assert!(Aliases::up_to(0).topic(b"a", Some(1)).is_err());
    }
}
