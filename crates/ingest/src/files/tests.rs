mod parquet;

use super::*;
use config::location::{self, Purpose};
use config::toml_reader::Findings;
use proptest::prelude::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// A contract of the columns `id` and those of `columns` for the dumps that match `path`.
fn contract(path: &str, columns: &str) -> Arc<Contract> {
    let text = format!(
        "description = \"x\"\nsource = \"x\"\npaths = [{}]\nformat = \"delimited\"\ndelimiter = \",\"\n\
         header = true\ncolumns = [ {{ name = \"id\", type = \"text\" }}, {columns} ]\n",
        serde_json::to_string(path).unwrap()
    );
    let findings = Findings::new("t.toml", &text);
    let read = config::contract::read("t", Tz::UTC, &findings);
    let found = findings.into_diagnostics();
    assert!(found.is_empty(), "{path}: {found:?}");
    Arc::new(read.unwrap().0)
}

/// A bucket with these files, each with one record, the position of its key in the list.
fn bucket_with(keys: &[&str]) -> (TempDir, Location) {
    let folder = TempDir::new().unwrap();
    for (at, key) in keys.iter().enumerate() {
        let path = folder.path().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("id\n{at}\n")).unwrap();
    }
    let bucket = location::open(folder.path().to_str().unwrap(), Purpose::Read).unwrap();
    (folder, bucket)
}

fn listed(bucket: &Location, contract: &Arc<Contract>) -> Vec<ListedDump> {
    runtime().block_on(list(bucket, std::slice::from_ref(contract), Tz::UTC)).unwrap()
}

/// The fields of the only record of a dump.
fn record(bucket: &Location, found: &ListedDump) -> Vec<Option<String>> {
    let fetched = runtime().block_on(fetch(bucket, found, None)).unwrap();
    let (out, mut batches) = mpsc::channel(4);
    let decoded = decode(fetched, &found.contract, &Limits::default(), &out).unwrap();
    assert_eq!(decoded.records, 1);
    let batch = batches.try_recv().unwrap();
    let text = |column: &arrow::array::ArrayRef| {
        let column = arrow::array::AsArray::as_string::<i32>(column);
        arrow::array::Array::is_valid(column, 0).then(|| column.value(0).to_owned())
    };
    batch.fields.iter().map(text).collect()
}

fn any_name() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        4 => any::<char>(),
        1 => prop::sample::select("#%~[]^|+ &;?\\\"'.,=äß温1".chars().collect::<Vec<_>>()),
    ];
    let name = prop::collection::vec(sign, 1..20).prop_map(String::from_iter);
    name.prop_filter("a name a disk and a pattern can have", |name| {
        !name.contains(|sign: char| sign.is_ascii_control() || "/*{}".contains(sign))
            && !name.starts_with(['.', '_'])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_name_that_is_listed_is_read(folder in any_name(), names in prop::collection::btree_set(any_name(), 1..4)) {
        // Sorted with the ending: `a+.csv` is before `a.csv`, though `a` is before `a+`.
        let mut keys: Vec<String> =
            names.iter().map(|name| format!("{folder}/{name}.csv")).collect();
        keys.sort_unstable();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (_folder, bucket) = bucket_with(&keys);
        let found = listed(&bucket, &contract(&format!("{folder}/*.csv"), ""));
        let mut names: Vec<&str> = found.iter().map(|found| found.key.as_str()).collect();
        names.sort_unstable();
        prop_assert_eq!(&names, &keys);
        for found in &found {
            let at = keys.iter().position(|key| *key == found.key).unwrap();
            prop_assert_eq!(record(&bucket, found), [Some(at.to_string())]);
        }
        let named = listed(&bucket, &contract(keys[0], ""));
        prop_assert_eq!(named.len(), 1);
    }
}

#[test]
fn an_odd_name_affects_no_other_and_is_reported_once() {
    let (folder, bucket) =
        bucket_with(&["in/a.csv", "in/b\r.csv", "in/_c.csv", "in/_SUCCESS", "in/.d.csv"]);
    let cp1252 = OsStr::from_bytes(b"in/M\xfcller.csv");
    fs::write(folder.path().join(cp1252), "id\n9\n").unwrap();
    fs::create_dir_all(folder.path().join("in/_temporary")).unwrap();
    fs::write(folder.path().join("in/_temporary/x.csv"), "id\n9\n").unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("in/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("in/gone.csv")).unwrap();
    let contract = contract("in/*.csv", "");
    let found = listed(&bucket, &contract);
    assert_eq!(found.iter().map(|found| &found.key).collect::<Vec<_>>(), ["in/a.csv"]);
    let mut skipped: Vec<String> =
        bucket.skipped.take_fresh().into_iter().map(|skipped| skipped.name).collect();
    skipped.sort();
    assert_eq!(skipped, ["in/M\\xfcller.csv", "in/_c.csv", "in/b\r.csv"]);
    listed(&bucket, &contract);
    assert_eq!(bucket.skipped.take_fresh(), []);
}

#[test]
fn a_file_too_small_for_its_extension_is_not_a_dump() {
    let (_folder, bucket) = bucket_with(&["a.csv", "a.csv.bz2", "a.csv.GZ", "a.csv.rar"]);
    let found = listed(&bucket, &contract("a.csv", ""));
    assert_eq!(found.iter().map(|found| &found.key).collect::<Vec<_>>(), ["a.csv"]);
}

#[test]
fn columns_come_from_the_path() {
    let (_folder, bucket) = bucket_with(&["in/line=SMT%201/cell_7/a.csv"]);
    let columns = r#"{ name = "line", from = "path", type = "text" },
        { name = "cell", from = "path", type = "int" },
        { name = "shift", header = "shift", from = "path", type = "text" }"#;
    let contract = contract("in/*/cell_{cell}/a.csv", columns);
    let found = listed(&bucket, &contract);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(record(&bucket, &found[0]), [some("0"), some("SMT 1"), some("7"), None]);
}

#[test]
fn an_empty_file_has_no_records() {
    let (folder, bucket) = bucket_with(&["a.csv"]);
    fs::write(folder.path().join("a.csv"), "").unwrap();
    let found = listed(&bucket, &contract("a.csv", ""));
    let fetched = runtime().block_on(fetch(&bucket, &found[0], None)).unwrap();
    let (out, _batches) = mpsc::channel(4);
    let decoded = decode(fetched, &found[0].contract, &Limits::default(), &out).unwrap();
    assert_eq!(decoded, Decoded::default());
}
