//! Listings and attempts, with a server in memory.

use super::*;
use crate::Content;
use chrono::DateTime;
use futures::FutureExt as _;
use object_store::ObjectStoreExt as _;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

#[derive(Debug, Default)]
struct Memory {
    folders: BTreeMap<&'static str, Result<Vec<Found>, Failure>>,
    /// Requests that fail before the first success.
    failing: Mutex<u64>,
}

#[async_trait]
impl Protocol for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn folder(&self, path: &str, _most: usize) -> Result<Vec<Found>, Failure> {
        let mut failing = self.failing.lock().unwrap();
        if *failing > 0 {
            *failing -= 1;
            return Err(Failure::new(Cause::Away, "down"));
        }
        let absent = || Err(Failure::new(Cause::Absent, path));
        self.folders.get(path).cloned().unwrap_or_else(absent)
    }

    async fn open(&self, path: &str) -> Result<Content, Failure> {
        let parts = [Ok(Bytes::from_static(b"a")), Err(Failure::new(Cause::Broken, path))];
        Ok(Content { version: version(), bytes: stream::iter(parts).boxed() })
    }
}

fn version() -> Version {
    Version { size_bytes: 2, modified_at: DateTime::UNIX_EPOCH, etag: None }
}

fn file(name: &str) -> Found {
    Found::File { name: name.to_owned(), version: version() }
}

fn folder(name: &str) -> Found {
    Found::Folder { name: name.to_owned() }
}

type Skipped = Arc<Mutex<Vec<String>>>;

fn server(root: &str, memory: Memory) -> (FileServer, Skipped) {
    let skipped = Skipped::default();
    let noted = skipped.clone();
    let names = Names {
        fault: |name| name.contains("bad").then_some("is bad"),
        skip: Arc::new(move |name: &str, reason: &str| {
            noted.lock().unwrap().push(format!("{name} {reason}"))
        }),
    };
    let limits = Limits {
        connect: Duration::ZERO,
        silence: Duration::ZERO,
        attempts: 3,
        retry_first: Duration::ZERO,
        retry_longest: Duration::ZERO,
        connections: 1,
        names: 10,
        depth: 2,
    };
    (FileServer::new(memory, Key::from(root), limits, names), skipped)
}

fn memory(folders: impl IntoIterator<Item = (&'static str, Vec<Found>)>) -> Memory {
    let folders = folders.into_iter().map(|(path, found)| (path, Ok(found))).collect();
    Memory { folders, ..Memory::default() }
}

fn listed(server: &FileServer, prefix: &str) -> Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let objects: Result<Vec<ObjectMeta>> =
        runtime.block_on(server.list(Some(&Key::from(prefix))).try_collect());
    let mut keys: Vec<String> = objects?.into_iter().map(|it| it.location.to_string()).collect();
    keys.sort();
    Ok(keys)
}

#[test]
fn a_listing_has_all_folders_and_reports_what_is_left_out() {
    let unread = Found::Unread { shown: "\\xff".to_owned(), reason: "is not UTF-8" };
    let mut memory = memory([
        ("d", vec![file("a.csv"), folder("x"), folder("closed"), unread]),
        ("d/x", vec![file("b.csv"), file("bad"), file("c/d"), folder("gone")]),
    ]);
    memory.folders.insert("d/closed", Err(Failure::new(Cause::Denied, "")));
    let (server, skipped) = server("d", memory);
    assert_eq!(listed(&server, "d").unwrap(), ["d/a.csv", "d/x/b.csv"]);
    let mut skipped = skipped.lock().unwrap().clone();
    skipped.sort();
    let closed = "closed/ is a folder without read permission; change its permissions";
    let slash = "x/c/d has a / in its name; rename it";
    assert_eq!(skipped, ["\\xff is not UTF-8", closed, "x/bad is bad", slash]);
    assert_eq!(
        listed(&server, "d/none").unwrap(),
        [""; 0],
        "a folder of a contract may be missing"
    );
}

#[test]
fn a_missing_location_is_an_error() {
    let (server, _) = server("d", memory([("", vec![file("a")])]));
    for prefix in ["d", "d/x"] {
        assert!(matches!(listed(&server, prefix), Err(Error::NotFound { .. })), "{prefix}");
    }
}

#[test]
fn a_location_without_permission_is_an_error() {
    let mut memory = Memory::default();
    memory.folders.insert("d", Err(Failure::new(Cause::Denied, "")));
    let (server, _) = server("d", memory);
    let error = listed(&server, "d").unwrap_err().to_string();
    assert_eq!(Cause::of_text(&error), Some(Cause::Denied), "{error}");
}

#[test]
fn a_request_is_repeated_until_its_attempts_are_used_up() {
    for (failures, is_listed) in [(2, true), (3, false)] {
        let memory = memory([("", vec![file("a")])]);
        *memory.failing.lock().unwrap() = failures;
        let (server, _) = server("", memory);
        assert_eq!(listed(&server, "").is_ok(), is_listed, "{failures}");
    }
}

#[test]
fn folders_that_never_end_are_an_error() {
    let (server, _) = server(
        "",
        memory([("", vec![folder("a")]), ("a", vec![folder("a")]), ("a/a", vec![folder("a")])]),
    );
    let error = listed(&server, "").unwrap_err().to_string();
    assert_eq!(Cause::of_text(&error), Some(Cause::TooMany), "{error}");
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    let (server, _) = server("", Memory::default());
    let got = server.get(&Key::from("a.csv")).now_or_never().unwrap().unwrap();
    assert_eq!(got.meta.size, 2);
    assert!(got.bytes().now_or_never().unwrap().is_err());
    let written = server.put(&Key::from("a.csv"), b"x".to_vec().into()).now_or_never().unwrap();
    assert!(matches!(written, Err(Error::NotImplemented { .. })));
}
