//! People as they are added and listed.

use crate::{Assignment, Error, Secret};
use serde::Serialize;

/// The longest user name, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// The longest full name, in characters.
const FULL_NAME_CHARS_MAX: usize = 200;

/// A person to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// For the login: letters, digits and `. _ - @ +`, without regard to case.
    pub name: String,
    /// For display; may be empty.
    pub full_name: String,
    pub password: NewPassword,
    pub roles: Vec<Assignment>,
}

/// How a person who is added will log in first.
#[derive(Debug, Clone)]
pub enum NewPassword {
    /// By a generated password that has to be replaced at the first login.
    Temporary,
    /// By this password, chosen by the person.
    Chosen(Secret),
    /// Not by a password: by an identity provider only.
    None,
}

/// A person as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    pub id: i64,
    pub name: String,
    pub full_name: String,
    pub roles: Vec<Assignment>,
    pub has_password: bool,
    /// A temporary password has to be replaced.
    pub must_change_password: bool,
    pub has_second_factor: bool,
    /// Identities at providers, as issuer and subject.
    pub external: Vec<(String, String)>,
    pub created_us: i64,
    pub last_login_us: Option<i64>,
    pub disabled_us: Option<i64>,
}

/// The name as stored: in lower case. Only ASCII is allowed, so that no two names look the same.
pub(crate) fn name_of(text: &str) -> Result<String, Error> {
    let name = text.trim().to_ascii_lowercase();
    let is_allowed = |it: u8| it.is_ascii_alphanumeric() || b"._-@+".contains(&it);
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_allowed);
    let expected = "1 to 128 letters a to z, digits and . _ - @ +";
    is_name.then_some(name).ok_or_else(|| Error::invalid("user name", text, expected))
}

pub(crate) fn full_name_of(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let is_name = text.chars().count() <= FULL_NAME_CHARS_MAX && !text.chars().any(is_invisible);
    let expected =
        "at most 200 characters, none of which controls the text direction or is invisible";
    is_name.then(|| text.to_owned()).ok_or_else(|| Error::invalid("full name", text, expected))
}

/// A full name of another program, without the characters that [`full_name_of`] refuses.
pub(crate) fn shown_name(text: &str) -> String {
    let shown: String = text.trim().chars().filter(|it| !is_invisible(*it)).collect();
    shown.chars().take(FULL_NAME_CHARS_MAX).collect::<String>().trim().to_owned()
}

/// Whether a character changes how the text around it is shown, so that a name can look like
/// another one: controls, directions (bidi), line separators and characters without width. The
/// joiners U+200C and U+200D are letters of Indic scripts.
pub(crate) fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_without_case_and_without_look_alikes() {
        assert_eq!(name_of(" Anna.Lind@Plant.example ").unwrap(), "anna.lind@plant.example");
        for name in ["", " ", "a b", "аnna", "a:b", "a/b", "a\0b", &"x".repeat(129)] {
            assert!(name_of(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn full_names_are_free_text_without_control_characters() {
        assert_eq!(full_name_of(" Anna Ökéné ").unwrap(), "Anna Ökéné");
        assert!(full_name_of("a\u{7}b").is_err());
        assert!(full_name_of(&"x".repeat(201)).is_err());
    }

    #[test]
    fn no_name_changes_how_the_text_around_it_is_shown() {
        for hidden in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{200b}', '\u{feff}', '\u{2028}', '\0']
        {
            assert!(full_name_of(&format!("Anna{hidden}Lind")).is_err(), "{hidden:?}");
            assert_eq!(shown_name(&format!(" Anna{hidden}Lind ")), "AnnaLind", "{hidden:?}");
            assert!(name_of(&format!("an{hidden}na")).is_err(), "{hidden:?}");
        }
        let malayalam = "അവന്\u{200d} നായര്";
        assert_eq!(full_name_of(malayalam).unwrap(), malayalam);
        assert_eq!(shown_name(&"x".repeat(300)).len(), 200);
    }

    proptest! {
        #[test]
        fn a_name_is_its_own_normal_form(text in ".{0,140}") {
            if let Ok(name) = name_of(&text) {
                prop_assert_eq!(name_of(&name).unwrap(), name);
            }
        }
    }
}
