//! The program `ssh` as a connection: its options, and what its messages mean.

use crate::{Cause, Failure, Limits, Secret};
use rustix::fs::MemfdFlags;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Where a server is, and what proves the identity of both sides.
#[derive(Debug, Clone)]
pub struct SftpAddress {
    pub user: String,
    /// A name or an IP address without brackets.
    pub host: String,
    pub port: u16,
    pub key: PrivateKey,
    /// The file with the keys of known hosts; without it those of the user and of the machine.
    pub known_hosts: Option<PathBuf>,
}

/// A private key without passphrase.
#[derive(Debug, Clone)]
pub enum PrivateKey {
    /// A file that only its owner may read.
    File(PathBuf),
    /// The key itself. It is not written to a disk.
    Text(Secret),
}

impl SftpAddress {
    /// The address in errors.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// How much of the messages of `ssh` is read.
const MESSAGE_BYTES: u64 = 16 * 1024;

/// How long the last message of `ssh` is waited for after it closed the connection.
const MESSAGE_WAIT: Duration = Duration::from_secs(2);

/// A running `ssh`, which ends when this is dropped.
#[derive(Debug)]
pub struct Ssh {
    pub input: ChildStdin,
    pub output: BufReader<ChildStdout>,
    messages: ChildStderr,
    shown: String,
    /// The key in memory, until it was used.
    key: Option<File>,
    _child: Child,
}

impl Ssh {
    /// Starts the program. It connects and logs in by itself.
    pub fn start(address: &SftpAddress, limits: &Limits) -> Result<Self, Failure> {
        let (path, key) = match &address.key {
            PrivateKey::File(path) => (path.clone(), None),
            PrivateKey::Text(secret) => {
                let prepared = in_memory(secret).map_err(|error| {
                    Failure::new(Cause::Local, format!("the private key in memory: {error}"))
                })?;
                (prepared.0, Some(prepared.1))
            }
        };
        let mut command = Command::new("ssh");
        command.args(arguments(address, &path, limits)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // An interrupt of the terminal ends this program, which ends its connections in order.
        command.kill_on_drop(true).process_group(0);
        command.env("LC_ALL", "C").env_remove("SSH_AUTH_SOCK");
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let (Some(input), Some(output), Some(messages)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failure::new(Cause::Local, "ssh has no pipes"));
        };
        let output = BufReader::with_capacity(64 * 1024, output);
        Ok(Self { input, output, messages, shown: address.shown(), key, _child: child })
    }

    /// The login has succeeded: the key is not needed any more.
    pub fn logged_in(&mut self) {
        self.key = None;
    }

    /// Why the connection has ended, by the messages of `ssh`.
    pub async fn explained(&mut self) -> Failure {
        let mut message = Vec::new();
        let mut messages = (&mut self.messages).take(MESSAGE_BYTES);
        // What has arrived by then is enough.
        drop(tokio::time::timeout(MESSAGE_WAIT, messages.read_to_end(&mut message)).await);
        meaning(&self.shown, &String::from_utf8_lossy(&message))
    }
}

fn not_started(error: &io::Error) -> Failure {
    let detail = match error.kind() {
        io::ErrorKind::NotFound => {
            "the program ssh is not installed; on Debian: apt-get install openssh-client".to_owned()
        }
        _ => format!("the program ssh cannot be started: {error}"),
    };
    Failure::new(Cause::Local, detail)
}

/// The key as a file of memory, which only this user may read, and its path for other programs.
fn in_memory(secret: &Secret) -> io::Result<(PathBuf, File)> {
    let mut file = File::from(rustix::fs::memfd_create("key", MemfdFlags::CLOEXEC)?);
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(secret.expose().trim_end().as_bytes())?;
    file.write_all(b"\n")?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((path.into(), file))
}

/// The arguments of `ssh`. Files of configuration are not read, so that they cannot weaken the checks.
fn arguments(address: &SftpAddress, key: &Path, limits: &Limits) -> Result<Vec<OsString>, Failure> {
    let seconds = |limit: Duration| limit.as_secs().max(1).to_string();
    let mut words = ["-F", "none", "-T", "-x", "-a", "-s"].map(OsString::from).to_vec();
    let mut options = vec![
        "BatchMode=yes".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        "IdentitiesOnly=yes".to_owned(),
        "IdentityAgent=none".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
        "ConnectionAttempts=1".to_owned(),
        "LogLevel=ERROR".to_owned(),
        format!("ConnectTimeout={}", seconds(limits.connect)),
        format!("ServerAliveInterval={}", seconds(limits.silence)),
        "ServerAliveCountMax=1".to_owned(),
        format!("IdentityFile={}", quoted(key)?),
    ];
    if let Some(file) = &address.known_hosts {
        options.push(format!("UserKnownHostsFile={}", quoted(file)?));
        options.push("GlobalKnownHostsFile=/dev/null".to_owned());
    }
    for option in options {
        words.extend([OsString::from("-o"), OsString::from(option)]);
    }
    let port = address.port.to_string();
    let last = ["-l", &address.user, "-p", &port, "--", &address.host, "sftp"];
    words.extend(last.map(OsString::from));
    Ok(words)
}

/// A path as a value of an option.
fn quoted(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    match path.to_str() {
        // These have a meaning in values of ssh.
        Some(text) if !text.contains(['"', '%', '$', '\n', '\r', '\\']) => {
            Ok(format!("\"{text}\""))
        }
        _ => {
            let detail =
                format!("the path {shown} has a sign with a meaning for ssh; rename the file");
            Err(Failure::new(Cause::Local, detail))
        }
    }
}

/// Words of `ssh` and what they mean; the first that occur count.
const MEANINGS: [(&str, Cause); 15] = [
    ("Host key verification failed", Cause::HostKey),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Cause::HostKey),
    ("host key is known", Cause::HostKey),
    ("UNPROTECTED PRIVATE KEY FILE", Cause::Local),
    ("Load key", Cause::Local),
    ("not accessible: No such file", Cause::Local),
    ("Bad configuration option", Cause::Local),
    ("Permission denied (", Cause::Refused),
    ("Too many authentication failures", Cause::Refused),
    ("subsystem request failed", Cause::Unsupported),
    ("no matching", Cause::Unsupported),
    ("Could not resolve hostname", Cause::Away),
    ("Connection refused", Cause::Away),
    ("timed out", Cause::Away),
    ("No route to host", Cause::Away),
];

/// What the messages of `ssh` mean.
fn meaning(shown: &str, messages: &str) -> Failure {
    let found = MEANINGS.iter().find(|(words, _)| messages.contains(words));
    let cause = found.map_or(Cause::Broken, |(_, cause)| *cause);
    let line = |words: &str| messages.lines().map(str::trim).find(|line| line.contains(words));
    let last = messages.lines().map(str::trim).rfind(|line| !line.is_empty());
    let line = found.and_then(|(words, _)| line(words)).or(last).unwrap_or("it was closed");
    Failure::new(cause, format!("{shown}: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> SftpAddress {
        SftpAddress {
            user: "plant".to_owned(),
            host: "files.example".to_owned(),
            port: 2222,
            key: PrivateKey::Text(Secret::new("s3cret".to_owned())),
            known_hosts: Some("/etc/my hosts".into()),
        }
    }

    fn limits() -> Limits {
        let second = Duration::from_secs(1);
        Limits {
            connect: second * 10,
            silence: second * 30,
            attempts: 1,
            retry_first: second,
            retry_longest: second,
            connections: 1,
            names: 10,
            depth: 10,
        }
    }

    #[test]
    fn the_host_is_checked_without_prompts() {
        let words = arguments(&address(), Path::new("/run/key"), &limits()).unwrap();
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        for expected in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UserKnownHostsFile=\"/etc/my hosts\"",
            "IdentityFile=\"/run/key\"",
            "ConnectTimeout=10",
        ] {
            assert!(words.contains(&expected), "{expected}: {words:?}");
        }
        let end = ["-l", "plant", "-p", "2222", "--", "files.example", "sftp"];
        assert!(words.ends_with(&end), "{words:?}");
        assert!(!format!("{words:?} {:?}", address()).contains("s3cret"));
        assert!(arguments(&address(), Path::new("/run/$KEY"), &limits()).is_err());
    }

    #[test]
    fn the_messages_of_ssh_have_a_meaning() {
        let check = |messages: &str, expected: Cause, line: &str| {
            let failure = meaning("h:22", messages);
            assert_eq!(failure.cause, expected, "{messages}");
            assert_eq!(failure.detail, format!("h:22: {line}"));
        };
        let unknown = "No ED25519 host key is known for [h]:22 and you have requested strict checking.\r\n\
                       Host key verification failed.\r\n";
        check(unknown, Cause::HostKey, "Host key verification failed.");
        let refused = "p@h: Permission denied (publickey,password).";
        check(refused, Cause::Refused, refused);
        let load = "Load key \"/k\": error in libcrypto\np@h: Permission denied (publickey).\n";
        check(load, Cause::Local, "Load key \"/k\": error in libcrypto");
        let away = "ssh: connect to host h port 22: Connection refused";
        check(away, Cause::Away, away);
        check("", Cause::Broken, "it was closed");
    }

    #[test]
    fn a_key_in_memory_can_be_read_by_its_path() {
        let (path, file) = in_memory(&Secret::new("line 1\nline 2\n\n".to_owned())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "line 1\nline 2\n");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
