//! A plant folder, a bucket and a lake of a test's own, and the program to work on them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Columns of time and run, which differ from run to run.
const VOLATILE: [&str; 3] = ["_ingested_at", "_run", "_rejected_at"];

/// Every table a model of the test plant makes.
pub const TABLES: [&str; 10] = [
    "silver.plan",
    "silver.board",
    "silver.stage",
    "silver.orders",
    "silver.price",
    "silver.entry",
    "silver.rejected",
    "gold.hourly",
    "gold.daily",
    "gold.ageing",
];

/// Output and exit status of the program.
#[derive(Debug)]
pub struct Outcome {
    pub succeeded: bool,
    /// Exit code; none if a signal ended the program.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(output: Output) -> Self {
        Self {
            succeeded: output.status.success(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test unless the program succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.succeeded, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the program failed and printed each of `words`.
    #[track_caller]
    pub fn failure(self, words: &[&str]) -> Self {
        let outcome = format!("{}\n{}", self.stdout, self.stderr);
        assert!(!self.succeeded, "succeeded: {outcome}");
        for word in words {
            assert!(outcome.contains(word), "`{word}` was not printed: {outcome}");
        }
        self
    }
}

/// One plant with its bucket and its lake.
pub struct World {
    folder: TempDir,
    clock_s: std::cell::Cell<u64>,
}

impl World {
    /// The test plant, an empty bucket, no lake yet.
    pub fn new() -> Self {
        Self::from_plant("tests/it/plant")
    }

    /// The plant of a folder, named from the crate's; an empty bucket, no lake yet.
    pub fn from_plant(plant: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let world = Self { folder, clock_s: std::cell::Cell::new(1_700_000_000) };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(plant), &world.path("plant"));
        fs::create_dir(world.path("bucket")).unwrap();
        world
    }

    /// The plant and the bucket of a folder, whose dumps are older than those put there later; no lake
    /// yet.
    pub fn with_bucket(folder: &Path) -> Self {
        let world = Self::from_plant(&folder.join("plant").display().to_string());
        fs::remove_dir(world.path("bucket")).unwrap();
        copy(&folder.join("bucket"), &world.path("bucket"));
        age(
            &world.path("bucket"),
            SystemTime::UNIX_EPOCH + Duration::from_secs(world.clock_s.get()),
        );
        world
    }

    /// The same, but dumps of which all records are rejected do not fail a run: for tests whose dumps
    /// are drawn at random, or are dirty on purpose.
    pub fn tolerant(self) -> Self {
        for entry in fs::read_dir(self.path("plant/bronze")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            if !text.contains("format = \"message\"") {
                fs::write(&path, format!("{text}\nreject_at_most = \"100 %\"\n")).unwrap();
            }
        }
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a dump into the bucket, a minute younger than the one before.
    pub fn dump(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path("bucket").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        self.touch(key);
    }

    /// Makes a dump a minute younger than the one before.
    pub fn touch(&self, key: &str) {
        self.clock_s.set(self.clock_s.get() + 60);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock_s.get());
        let file = fs::File::options().write(true).open(self.path("bucket").join(key)).unwrap();
        file.set_modified(at).unwrap();
    }

    /// Changes one text of a file of the plant folder.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path("plant").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not hold `{from}`");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Writes a file of the plant folder.
    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path("plant").join(file), text).unwrap();
    }

    /// The program with the paths of plant, bucket and lake, in an environment of its own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cockpit"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("COCKPIT_PLANT", self.path("plant"))
            .env("COCKPIT_BUCKET", self.path("bucket"))
            .env("COCKPIT_LAKE", self.path("lake"))
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    pub fn run_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Outcome {
        Outcome::of(self.command(arguments).envs(env.iter().copied()).output().unwrap())
    }

    /// Runs the program and returns its peak memory, which the system counts
    /// up to the last look.
    pub fn peak_kb(&self, arguments: &[&str]) -> u64 {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak_kb = 0;
        loop {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let seen = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            peak_kb = peak_kb.max(seen.unwrap_or(0));
            if let Some(end) = child.try_wait().unwrap() {
                assert!(end.success());
                return peak_kb;
            }
            std::thread::yield_now();
        }
    }

    pub fn ingest(&self) -> Outcome {
        self.run(&["ingest", "--once"])
    }

    /// Reads the topics of a broker to their ends, and no bucket.
    pub fn ingest_from(&self, brokers: &str, env: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(&["ingest", "--once", "--kafka", brokers]);
        command.envs(env.iter().copied());
        Outcome::of(command.env_remove("COCKPIT_BUCKET").output().unwrap())
    }

    /// The rows of an answer.
    #[track_caller]
    pub fn sql(&self, query: &str) -> Vec<Value> {
        let outcome = self.run(&["sql", query, "--format", "json"]).success();
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// The results of several queries, each as the program prints it. One process runs them all.
    #[track_caller]
    pub fn printed(&self, queries: &[String]) -> Vec<String> {
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        let outcome = self.run(&[&["sql", "--format", "json"], &queries[..]].concat()).success();
        // A row ends with a brace; the last line of a result ends with a bracket.
        let results: Vec<String> =
            outcome.stdout.split_inclusive("]\n").map(str::to_owned).collect();
        assert_eq!(results.len(), queries.len());
        results
    }

    /// The only number of an answer.
    #[track_caller]
    pub fn number(&self, query: &str) -> i64 {
        let rows = self.sql(query);
        rows[0].as_object().unwrap().values().next().unwrap().as_i64().unwrap()
    }

    /// The rows of a table as JSON, sorted, without what differs from run to run.
    pub fn rows(&self, table: &str) -> Vec<String> {
        self.rows_without(table, &[])
    }

    pub fn rows_without(&self, table: &str, columns: &[&str]) -> Vec<String> {
        if !self.has(table) {
            return Vec::new();
        }
        stable(self.sql(&format!("SELECT * FROM {table}")), columns)
    }

    fn has(&self, table: &str) -> bool {
        self.path("lake").join(table.replace('.', "/")).exists()
    }

    /// Everything silver and gold hold.
    pub fn contents(&self) -> BTreeMap<&'static str, Vec<String>> {
        let (there, missing): (Vec<_>, Vec<_>) = TABLES.into_iter().partition(|it| self.has(it));
        let queries: Vec<String> = there.iter().map(|it| format!("SELECT * FROM {it}")).collect();
        let results = if queries.is_empty() { Vec::new() } else { self.printed(&queries) };
        let rows = |text: String| stable(serde_json::from_str(&text).unwrap(), &[]);
        let found = there.into_iter().zip(results.into_iter().map(rows));
        found.chain(missing.into_iter().map(|it| (it, Vec::new()))).collect()
    }

    /// The version of every table of the lake, from its log.
    pub fn versions(&self) -> BTreeMap<String, usize> {
        let mut versions = BTreeMap::new();
        for schema in ["bronze", "silver", "gold", "meta"] {
            let Ok(tables) = fs::read_dir(self.path("lake").join(schema)) else { continue };
            for table in tables.map(Result::unwrap) {
                let log = fs::read_dir(table.path().join("_delta_log")).unwrap();
                let is_commit = |name: &str| name.ends_with(".json") && name.len() == 25;
                let names = log.map(|it| it.unwrap().file_name().into_string().unwrap());
                let name = table.file_name().into_string().unwrap();
                versions
                    .insert(format!("{schema}.{name}"), names.filter(|it| is_commit(it)).count());
            }
        }
        versions
    }

    /// Fails the test unless the rows of every dump balance, counted independently.
    #[track_caller]
    pub fn is_balanced(&self) {
        let last = "SELECT r.* FROM meta.runs AS r JOIN (SELECT table_name, file, dump, \
                    max(ended_at) AS ended_at FROM meta.runs GROUP BY table_name, file, dump) AS l \
                    ON r.table_name = l.table_name AND r.file = l.file AND r.dump = l.dump AND \
                    r.ended_at = l.ended_at";
        let versions = self.versions();
        let count = |(table, column): (&str, &str)| {
            let from = match column {
                "rejected" => format!("silver.rejected WHERE table_name = '{table}'"),
                schema => format!("{schema}.{table}"),
            };
            format!(
                "SELECT '{table} {column}' AS place, (SELECT COALESCE(sum({column}), 0) FROM ({last}) \
                 AS b WHERE table_name = '{table}') AS balance, (SELECT count(*) FROM {from}) AS rows"
            )
        };
        let counts: Vec<String> = ["plan", "board", "stage", "orders", "price", "entry"]
            .into_iter()
            .filter(|table| versions.contains_key(&format!("silver.{table}")))
            .flat_map(|table| ["bronze", "silver", "rejected"].map(|column| (table, column)))
            .map(count)
            .collect();
        let mut queries =
            vec!["SELECT * FROM meta.runs WHERE NOT closed".to_owned(), last.to_owned()];
        if !counts.is_empty() {
            queries.push(counts.join(" UNION ALL "));
        }
        let mut results = self.printed(&queries).into_iter();
        let mut rows = || -> Vec<Value> {
            results.next().map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
        };
        assert!(rows().is_empty(), "rows do not balance");
        for row in rows() {
            let of = |name: &str| row[name].as_i64().unwrap();
            assert_eq!(of("read"), of("bronze"), "{row}");
            assert_eq!(of("bronze"), of("silver") + of("rejected") + of("superseded"), "{row}");
        }
        for row in rows() {
            assert_eq!(row["balance"], row["rows"], "{row}");
        }
    }

    /// Output without the names of the test's folders.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "HERE")
    }
}

/// Rows as text, sorted, without what differs from run to run and without some columns.
fn stable(mut rows: Vec<Value>, columns: &[&str]) -> Vec<String> {
    for row in &mut rows {
        row.as_object_mut().unwrap().retain(|name, _| {
            !VOLATILE.contains(&name.as_str()) && !columns.contains(&name.as_str())
        });
    }
    let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

/// Sets the time of every file in a folder.
fn age(folder: &Path, at: SystemTime) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            age(&entry.path(), at);
        } else {
            fs::File::options().write(true).open(entry.path()).unwrap().set_modified(at).unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Fails the test unless `text` equals `cases/<case>/expect/<file>`; `UPDATE=1` writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 is given by the developer")]
pub fn golden(case: &str, file: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases").join(case);
    let path = folder.join("expect").join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, text, "{} differs; UPDATE=1 writes it", path.display());
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A Parquet file of work orders, one row group.
pub fn orders(rows: &[(&str, i64)]) -> Vec<u8> {
    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let ids = StringArray::from_iter_values(rows.iter().map(|(id, _)| id));
    let quantities = Int64Array::from_iter_values(rows.iter().map(|(_, quantity)| *quantity));
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(ids) as _),
        ("quantity", Arc::new(quantities) as _),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}
