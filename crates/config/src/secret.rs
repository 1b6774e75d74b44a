//! Secrets by reference. The configuration names where a secret is stored; the secret itself is read when it
//! is used, and is never printed, logged or part of an error.

use anyhow::{Context as _, bail};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Environment variable by which systemd names the folder of a service's credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The longest secret in a file: a private key or a token has a few thousand bytes; a larger file is
/// another one.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is stored. The text form is `env:NAME`, `file:PATH` or `credential:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Environment(String),
    /// A file, without its last line end. It is read again each time the secret is used.
    File(PathBuf),
    /// A systemd credential (`LoadCredential=NAME:...` of the unit).
    Credential(String),
}

/// A secret. `Debug` shows no part of it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// A secret that was received, such as a token.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(hidden)")
    }
}

impl SecretRef {
    /// Reads the secret.
    ///
    /// # Errors
    /// The variable is not set, the file cannot be read, or the secret is empty.
    pub fn read(&self) -> anyhow::Result<SecretText> {
        self.read_with(super::env)
    }

    fn read_with(&self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<SecretText> {
        let text = match self {
            Self::Environment(name) => {
                env(name).with_context(|| format!("the environment variable {name} is not set"))?
            }
            Self::File(path) => read_file(path)?,
            Self::Credential(name) => {
                let folder = env(CREDENTIALS_DIRECTORY).with_context(|| {
                    format!(
                        "there are no credentials: the credential {name} is given by LoadCredential= of \
                         the systemd unit"
                    )
                })?;
                read_file(&Path::new(&folder).join(name))?
            }
        };
        if text.is_empty() {
            bail!("the secret {self} is empty");
        }
        Ok(SecretText(text))
    }
}

fn read_file(path: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("cannot read the secret file {}", path.display());
    let length = std::fs::metadata(path).with_context(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        bail!("the secret file {} has more than {FILE_BYTES_MAX} bytes", path.display());
    }
    let mut text = std::fs::read_to_string(path).with_context(unreadable)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

impl FromStr for SecretRef {
    type Err = anyhow::Error;

    /// Parses a reference. The error does not repeat the text, which may be the secret itself.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let is_name = |name: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_allowed)
        };
        match text.split_once(':') {
            Some(("env", name)) if is_name(name) => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("credential", name)) if is_name(name) => Ok(Self::Credential(name.to_owned())),
            _ => bail!(
                "invalid reference to a secret: expected env:NAME, file:PATH or credential:NAME; the secret \
                 itself is not written in the configuration"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reference: &str, env: &[(&str, &str)]) -> Result<String, String> {
        let env = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let read = reference.parse::<SecretRef>().and_then(|it| it.read_with(env));
        read.map(|it| it.expose().to_owned()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_secret_is_read_where_it_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kafka"), "s3cret \r\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        std::fs::write(folder.path().join("large"), [b'x'; 70_000]).unwrap();
        let path = folder.path().display().to_string();
        let env = [("A", "s3cret"), (CREDENTIALS_DIRECTORY, &path)];
        assert_eq!(read("env:A", &env).unwrap(), "s3cret");
        assert_eq!(read(&format!("file:{path}/kafka"), &env).unwrap(), "s3cret ");
        assert_eq!(read("credential:kafka", &env).unwrap(), "s3cret ");
        for (reference, expected) in [
            ("env:B", "variable B is not set"),
            ("credential:other", "other"),
            (&format!("file:{path}/empty"), "is empty"),
            (&format!("file:{path}/large"), "more than 65536 bytes"),
        ] {
            let error = read(reference, &env).unwrap_err();
            assert!(error.contains(expected) && !error.contains("s3cret"), "{reference}: {error}");
        }
        let error = read("credential:kafka", &[]).unwrap_err();
        assert!(error.contains("LoadCredential="), "{error}");
    }

    #[test]
    fn a_reference_is_printed_as_it_is_parsed() {
        for text in ["env:A_B", "file:/run/secrets/kafka", "file:a b", "credential:kafka-password"]
        {
            assert_eq!(text.parse::<SecretRef>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_secret_itself_is_refused_and_not_repeated() {
        for text in [
            "hunter2",
            "env:",
            "file:",
            "credential:../../etc/passwd",
            "credential:a/b",
            "hunter2:x",
            "",
        ] {
            let error = text.parse::<SecretRef>().unwrap_err().to_string();
            assert!(error.contains("env:NAME") && !error.contains("hunter2"), "{text}: {error}");
        }
        assert_eq!(format!("{:?}", SecretText("hunter2".to_owned())), "SecretText(hidden)");
    }
}
