use super::*;
use crate::decode::testing::contract;
use plant::contract::Format;
use plant::pattern::Pattern;
use std::fs::OpenOptions;
use std::io::Write as _;
use tempfile::TempDir;

struct Case {
    folder: TempDir,
    watch: FolderWatch,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("old/deep")).unwrap();
        fs::create_dir_all(folder.path().join("lake")).unwrap();
        let mut contract = contract(Format::JsonLines, &["a"]);
        contract.paths =
            ["*.csv", "*/*.csv", "*/*/*.csv"].map(|it| Pattern::parse(it).unwrap()).into();
        contract.done_marker = Some(".done".to_owned());
        let options = WatchOptions {
            folder: folder.path().to_owned(),
            without: Some(folder.path().join("lake")),
            contracts: vec![Arc::new(contract)],
            most_folders: 10,
            settle_ms: 2_000,
        };
        let watch = FolderWatch::open(options).unwrap();
        Self { folder, watch }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    fn append(&self, key: &str) -> fs::File {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(key)).unwrap();
        file.write_all(b"1\n").unwrap();
        file
    }

    /// The arrival of a file once the kernel has reported a change.
    async fn arrival(&mut self, key: &str, now_ms: i64) -> Arrival {
        self.watch.wait().await.unwrap();
        self.watch.take_changes(now_ms).unwrap();
        self.watch.arrivals().begin_round(now_ms);
        self.watch.arrivals().arrival(key)
    }
}

#[tokio::test]
async fn a_file_is_complete_when_it_is_closed_or_moved_in() {
    let mut case = Case::new();
    let file = case.append("a.csv");
    assert_eq!(case.arrival("a.csv", 0).await, Arrival::Growing);
    drop(file);
    assert_eq!(case.arrival("a.csv", 1).await, Arrival::Complete);
    drop(case.append("a.csv"));
    assert_eq!(case.arrival("a.csv", 2).await, Arrival::Growing);
    case.watch.arrivals().begin_round(2_002);
    assert_eq!(case.watch.arrivals().arrival("a.csv"), Arrival::Complete);
    fs::rename(case.path("a.csv"), case.path("old/deep/b.csv")).unwrap();
    assert_eq!(case.arrival("old/deep/b.csv", 3).await, Arrival::Complete);
    assert_eq!(case.watch.arrivals().arrival("a.csv"), Arrival::Unknown);
}

#[tokio::test]
async fn folders_that_appear_are_watched() {
    let mut case = Case::new();
    fs::create_dir(case.path("new")).unwrap();
    assert_eq!(case.arrival("new/a.csv", 0).await, Arrival::Unknown);
    drop(case.append("new/a.csv"));
    assert_eq!(case.arrival("new/a.csv", 1).await, Arrival::Complete);
    // Renamed: the files have new keys, and the watch of the old name has ended.
    fs::rename(case.path("new"), case.path("moved")).unwrap();
    assert_eq!(case.arrival("moved/a.csv", 2).await, Arrival::Complete);
    drop(case.append("moved/c.csv"));
    assert_eq!(case.arrival("moved/c.csv", 3).await, Arrival::Complete);
    assert_eq!(case.watch.arrivals().arrival("new/c.csv"), Arrival::Unknown);
    assert_eq!((case.watch.folders.len(), case.watch.is_limited()), (4, false));
}

#[tokio::test]
async fn a_folder_link_is_followed_once() {
    let mut case = Case::new();
    std::os::unix::fs::symlink(case.folder.path(), case.path("loop")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.csv"), "1").unwrap();
    std::os::unix::fs::symlink(outside.path(), case.path("link")).unwrap();
    assert_eq!(case.arrival("link/x.csv", 0).await, Arrival::Growing);
    assert_eq!((case.watch.folders.len(), case.watch.is_limited()), (4, false));
}

#[tokio::test]
async fn only_expected_files_count() {
    let mut case = Case::new();
    drop(case.append("lake/x.csv"));
    drop(case.append("notes.txt"));
    drop(case.append(".hidden.csv"));
    drop(case.append("a.csv.done"));
    assert_eq!(case.arrival("a.csv.done", 0).await, Arrival::Complete);
    for key in ["lake/x.csv", "notes.txt", ".hidden.csv"] {
        assert_eq!(case.watch.arrivals().arrival(key), Arrival::Unknown, "{key}");
    }
}

#[tokio::test]
async fn a_deleted_folder_is_an_error() {
    let mut case = Case::new();
    fs::remove_dir_all(case.folder.path()).unwrap();
    case.watch.wait().await.unwrap();
    let error = case.watch.take_changes(0).unwrap_err();
    assert!(format!("{:#}", anyhow::Error::from(error)).contains("deleted"));
}

#[tokio::test]
async fn more_folders_than_the_limit_are_not_watched() {
    let mut case = Case::new();
    for number in 0..20 {
        fs::create_dir(case.path(&format!("{number}"))).unwrap();
    }
    case.watch.take_changes(0).unwrap();
    assert_eq!((case.watch.folders.len(), case.watch.is_limited()), (10, true));
}
