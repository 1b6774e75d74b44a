//! The parts of `cargo xtask test`. A failed part does not stop the others; a part that needs a failed one
//! fails too.

mod broker;
mod clients;
mod databases;
mod dumps;
mod named;
mod service;
mod sources;
mod wheel;
mod workspaces;

use crate::machine::{self, print, run};
use crate::package;
use crate::tools;
use named::WHEN_NAMED;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// The plant's dumps, next to the repository. They are never part of it.
const DUMPS: &str = "../shared/data/bucket";

/// How often the program is killed; a full run of the case takes a hundred.
const KILL_ROUNDS: &str = "10";

/// How often the demo is started and stopped.
const DEMO_ROUNDS: &str = "20";

/// The days of simulated lakes that only have to show something.
const SMALL_LAKE_DAYS: &str = "4";

/// The option with the minutes in which parts may begin.
const TIME_OPTION: &str = "--minutes";

/// Parts that run however late it is: without them a run would pass that has tested nothing.
const ESSENTIAL: [&str; 2] = ["build", "rust"];

type Done = Result<(), String>;

struct Part {
    name: &'static str,
    about: &'static str,
    needs: &'static [&'static str],
    /// Whether it reads the plant's dumps, or only serves those that do.
    dumps: bool,
    run: fn(&Bench) -> Done,
}

/// All parts, in the order they run.
const PARTS: &[Part] = &[
    part("packages", "the packages of the pages", &[], |_| tools::packages()),
    part("python", "the packages of the oracle", &[], |_| tools::python().map(drop)),
    part("chromium", "the browser", &[], |_| tools::chromium()),
    part("build", "the program and its tests", &[], build),
    part("rust", "cargo test --workspace", &["build"], rust),
    part("locks", "the lock files of the other workspaces are current", &[], workspaces::locks),
    part("fuzz", "the fuzz targets compile", &[], workspaces::fuzz),
    part("check", "types and style of the pages", &["packages"], |_| npm("check")),
    part("pages", "tests of the pages", &["packages"], |_| npm("test")),
    part("oee", "OEE of 30 simulated days, computed independently", &["build", "python"], oee),
    part("land", "dumps that several programs share", &["build", "python"], sources::land),
    part("many", "thousands of small dumps", &["build", "python"], sources::many),
    part("report", "the reports, number for number", &["build", "python"], service::report),
    part("odd", "odd files of other programs, value for value", &["build", "python"], odd),
    part("names", "odd names, on a disk and on S3", &["build", "python"], names),
    part("folder", "files that arrive in a watched folder", &["build", "python"], folder),
    part(
        "http-source",
        "HTTP interfaces while program and server are killed",
        &["build", "python"],
        http_source,
    ),
    part("databases", "databases that are killed", &["build", "python"], databases::databases),
    part(
        "sources",
        "sources on the data page in a browser",
        &["build", "packages", "chromium"],
        databases::sources,
    ),
    on_dumps("draft", "contracts proposed for dumps", &["build", "python"], sources::draft),
    part("mqtt", "an MQTT broker while it is killed", &["build", "python"], sources::mqtt),
    part("clouds", "dumps at Google and at Azure", &["build", "python"], sources::clouds),
    part(
        "file-servers",
        "dumps at servers of SFTP, FTP and WebDAV",
        &["build", "python"],
        sources::file_servers,
    ),
    on_dumps("ingest", "the dumps into a fresh lake", &["build"], dumps::ingest),
    on_dumps("compare", "every table against the oracle", &["ingest", "python"], dumps::compare),
    on_dumps("readers", "foreign engines read the lake", &["ingest", "python"], dumps::readers),
    on_dumps(
        "browser",
        "the pages in a browser",
        &["ingest", "packages", "chromium"],
        dumps::browser,
    ),
    part(
        "access",
        "login, roles and settings in a browser",
        &["build", "packages", "chromium"],
        service::access,
    ),
    part("alarms", "alarms in a browser", &["build", "packages", "chromium"], service::alarms),
    part(
        "screens",
        "questions, numbers, languages and keyboard in a browser",
        &["build", "packages", "chromium"],
        service::screens,
    ),
    part("reports", "reports in a browser", &["build", "packages", "chromium"], service::reports),
    part("boards", "boards in a browser", &["build", "packages", "chromium"], service::boards),
    part("issue", "reports issued, delivered, corrected", &["build", "python"], service::issue),
    part("openid", "login at providers", &["build", "packages", "chromium"], service::openid),
    part(
        "netns",
        "the pages and a table over TLS from another network namespace",
        &["build", "packages", "chromium"],
        service::netns,
    ),
    part(
        "damage",
        "damaged user databases, a full disk, guessed passwords",
        &["build", "python"],
        service::damage,
    ),
    part("flood", "attacks on the protocols of the service", &["build", "python"], service::flood),
    part(
        "load",
        "slow connections and viewers that do not read",
        &["build", "python"],
        service::load,
    ),
    part("odata", "every table of gold by OData", &["build", "python"], clients::odata),
    part(
        "schemathesis",
        "generated requests against the OpenAPI description",
        &["build", "python"],
        clients::schemathesis,
    ),
    part(
        "python-package",
        "the Python package beside the program",
        &["build", "python"],
        wheel::package,
    ),
    on_dumps("spark", "the lake refined by Apache Spark", &["build", "python"], wheel::spark),
    part("grafana", "the statements of the dashboards", &["build", "python"], clients::grafana),
    part("sharing", "every table of gold by Delta Sharing", &["build", "python"], clients::sharing),
    on_dumps("redump", "a second dump of one day", &["ingest", "python"], dumps::redump),
    on_dumps("s3", "dumps and lake on S3, two refiners", &["build", "python"], dumps::s3),
    on_dumps("kill", "killed again and again", &["build", "python"], dumps::kill),
    part(
        "notify",
        "a thousand alarms through failing receivers",
        &["build", "python"],
        service::notify,
    ),
    part("demo", "the demo stopped again and again", &["build", "python"], demo),
    part("package", "the Debian package installed, upgraded, removed", &["build"], package),
    on_dumps("messages", "the plant's messages on a topic", &["build", "python"], broker::messages),
    part(
        "questions",
        "the plant's questions about a stream",
        &["build", "python", "packages", "chromium"],
        broker::questions,
    ),
    part(
        "sql-doors",
        "SQL by psql, JDBC, ODBC, ADBC, SQLAlchemy, and statements of Power BI",
        &["build", "python"],
        service::sql_doors,
    ),
    part(
        "login",
        "authentication at a broker, valid and invalid",
        &["build", "python"],
        broker::login,
    ),
    part("topics", "topics deleted and created again", &["build", "python"], broker::topics),
    part(
        "registry",
        "messages by a schema registry, changes of a table",
        &["build", "python"],
        broker::registry,
    ),
    part(
        "stream",
        "a topic while program and broker are killed",
        &["build", "python"],
        broker::stream,
    ),
];

const fn part(
    name: &'static str,
    about: &'static str,
    needs: &'static [&'static str],
    run: fn(&Bench) -> Done,
) -> Part {
    Part { name, about, needs, dumps: false, run }
}

const fn on_dumps(
    name: &'static str,
    about: &'static str,
    needs: &'static [&'static str],
    run: fn(&Bench) -> Done,
) -> Part {
    Part { name, about, needs, dumps: true, run }
}

/// Where the parts work.
struct Bench {
    oracle: PathBuf,
    bucket: PathBuf,
    cockpit: PathBuf,
    /// Emptied before and after.
    folder: PathBuf,
    /// Whether parts run that were not named.
    is_usual: bool,
}

/// The parts as a list for people.
pub fn listed() -> String {
    let lines = PARTS.iter().map(|part| format!("  {:10}{}", part.name, part.about));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs the named parts and those they need, or all usual ones; with `--minutes N` only those that can begin in that
/// time.
pub fn test(args: &[String]) -> ExitCode {
    let (names, limit) = match arguments(args) {
        Ok(arguments) => arguments,
        Err(message) => {
            print(&message);
            return ExitCode::FAILURE;
        }
    };
    if let Some(name) = names.iter().find(|name| !PARTS.iter().any(|part| part.name == **name)) {
        print(&format!("there is no part {name}; there are\n{}", listed()));
        return ExitCode::FAILURE;
    }
    match with_bench(names.is_empty(), |bench| run_all(bench, names, limit)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            print(&message);
            ExitCode::FAILURE
        }
    }
}

/// The names of parts, and the time in which parts may begin.
fn arguments(args: &[String]) -> Result<(&[String], Option<Duration>), String> {
    let [option, minutes, names @ ..] = args else { return Ok((args, None)) };
    if option != TIME_OPTION {
        return Ok((args, None));
    }
    let Ok(minutes) = minutes.parse() else {
        return Err(format!("{TIME_OPTION} needs a number, not {minutes:?}"));
    };
    Ok((names, Some(Duration::from_mins(minutes))))
}

/// The named parts (the usual ones if none are named) and, before them, those they need. Without the dumps the
/// parts on them are left out, and what only they need.
fn chosen(names: &[String], has_dumps: bool) -> Vec<&'static Part> {
    let is_named = |part: &&Part| match names {
        [] => !WHEN_NAMED.contains(&part.name),
        names => names.iter().any(|name| name == part.name),
    };
    let named = PARTS.iter().filter(is_named).filter(|part| has_dumps || !part.dumps);
    let mut wanted: Vec<&str> = named.map(|part| part.name).collect();
    for part in PARTS.iter().rev() {
        if wanted.contains(&part.name) {
            wanted.extend(part.needs);
        }
    }
    PARTS.iter().filter(|part| wanted.contains(&part.name)).collect()
}

/// Runs `work` with a folder of its own next to the built programs.
fn with_bench(is_usual: bool, work: impl FnOnce(&Bench) -> bool) -> Result<bool, String> {
    let describe = |error: std::io::Error| format!("the folder to test in: {error}");
    let root = machine::root();
    let folder = machine::built("xtask-test")?;
    let lock = File::create(folder.with_extension("lock")).map_err(describe)?;
    if lock.try_lock().is_err() {
        return Err("another `cargo xtask test` runs in this target folder".to_owned());
    }
    let bench = Bench {
        oracle: root.join("tests/oracle"),
        bucket: root.join(DUMPS),
        cockpit: machine::built("cockpit")?,
        folder,
        is_usual,
    };
    bench.clear().map_err(describe)?;
    fs::create_dir_all(&bench.folder).map_err(describe)?;
    let has_passed = work(&bench);
    bench.clear().map_err(describe)?;
    Ok(has_passed)
}

fn run_all(bench: &Bench, names: &[String], limit: Option<Duration>) -> bool {
    let all_begun = machine::now();
    let mut late = Vec::new();
    let has_dumps = bench.bucket.is_dir();
    let mut done: BTreeMap<&str, Done> = BTreeMap::new();
    let mut lines = Vec::new();
    for part in chosen(names, has_dumps) {
        let is_late = limit.is_some_and(|limit| all_begun.elapsed() > limit);
        if is_late && !ESSENTIAL.contains(&part.name) {
            late.push(part.name);
            continue;
        }
        print(&format!("\n== {}: {}", part.name, part.about));
        let begun = machine::now();
        let lacking = part.needs.iter().find(|name| done.get(*name).is_some_and(Result::is_err));
        let outcome = match lacking {
            Some(name) => Err(format!("not run, because {name} failed")),
            None => (part.run)(bench),
        };
        lines.push(line(part.name, begun.elapsed(), &outcome));
        done.insert(part.name, outcome);
    }
    print("");
    lines.iter().for_each(|line| print(line));
    if !has_dumps {
        let skipped = PARTS.iter().filter(|part| part.dumps).map(|part| part.name);
        let skipped = skipped.collect::<Vec<_>>().join(", ");
        print(&format!("the plant's dumps are not at {DUMPS}; skipped: {skipped}"));
    }
    if !late.is_empty() {
        print(&format!("not run, because the time of {TIME_OPTION} was over: {}", late.join(", ")));
    }
    let failed = done.values().filter(|outcome| outcome.is_err()).count();
    print(&format!("{} passed, {failed} failed", done.len() - failed));
    failed == 0
}

fn line(name: &str, took: Duration, outcome: &Done) -> String {
    let took_s = took.as_secs();
    match outcome {
        Ok(()) => format!("passed  {name:10}{took_s:5} s"),
        Err(reason) => format!("FAILED  {name:10}{took_s:5} s  {reason}"),
    }
}

impl Bench {
    fn lake(&self) -> PathBuf {
        self.folder.join("lake")
    }

    fn clear(&self) -> std::io::Result<()> {
        if self.folder.exists() { fs::remove_dir_all(&self.folder) } else { Ok(()) }
    }

    fn python(&self, script: &str) -> Result<Command, String> {
        let mut command = Command::new(tools::python()?);
        command.arg(self.oracle.join(script)).current_dir(&self.folder);
        Ok(command)
    }

    fn ingest(&self, bucket: &Path) -> Done {
        let mut ingest = Command::new(&self.cockpit);
        ingest.args(["ingest", "--once", "--bucket"]).arg(bucket).arg("--lake").arg(self.lake());
        run(ingest.current_dir(&self.folder))
    }

    /// The lake of a plant that is simulated for some days, in a folder named after the part.
    fn simulated(&self, part: &str, days: &str) -> Result<PathBuf, String> {
        let bucket = self.folder.join(format!("{part}-bucket"));
        let lake = self.folder.join(format!("{part}-lake"));
        let mut simulate = Command::new(&self.cockpit);
        simulate.args(["simulate", "--days", days, "--dirt", "usual", "--out"]).arg(&bucket);
        run(simulate.current_dir(&self.folder))?;
        let mut ingest = Command::new(&self.cockpit);
        ingest.args(["ingest", "--once", "--bucket"]).arg(&bucket).arg("--lake").arg(&lake);
        run(ingest.current_dir(&self.folder))?;
        Ok(lake)
    }

    /// A case of the oracle that makes lakes of its own.
    fn case(&self, script: &str) -> Result<Command, String> {
        let mut case = self.python(script)?;
        case.arg("--cockpit").arg(&self.cockpit).arg("--bucket").arg(&self.bucket);
        Ok(case)
    }

    /// The oracle's comparison of the lake with a bucket.
    fn compare(&self, bucket: &Path, earlier: Option<&Path>) -> Done {
        let mut compare = self.python("compare.py")?;
        compare.arg("--cockpit").arg(&self.cockpit).arg("--lake").arg(self.lake());
        compare.arg("--bucket").arg(bucket);
        if let Some(earlier) = earlier {
            compare.arg("--earlier-bucket").arg(earlier);
        }
        run(&mut compare)
    }
}

/// Builds programs and tests in one go, so that dependencies are built once.
fn build(_: &Bench) -> Done {
    tools::compilers()?;
    run(machine::cargo().args(["build", "--workspace", "--bins", "--tests"]))
}

fn rust(_: &Bench) -> Done {
    run(machine::cargo().args(["test", "--workspace", "--no-fail-fast"]))
}

fn npm(script: &str) -> Done {
    run(Command::new("npm")
        .args(["run", "--silent", script])
        .current_dir(machine::root().join("ui")))
}

/// OEE of a simulated plant against a computation that reads silver only.
fn oee(bench: &Bench) -> Done {
    let lake = bench.simulated("oee", "30")?;
    run(bench.python("oee.py")?.arg("--lake").arg(&lake))
}

/// Files that pyarrow, fastparquet, DuckDB, Polars and Python's packers write.
fn odd(bench: &Bench) -> Done {
    run(bench.python("odd_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// Dumps and lakes under names that are hard to read.
fn names(bench: &Bench) -> Done {
    run(bench.python("names_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

fn folder(bench: &Bench) -> Done {
    run(bench.python("folder_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

fn http_source(bench: &Bench) -> Done {
    run(bench.python("http_source_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// The demo started and stopped at random times: it must exit with success and without output.
fn demo(bench: &Bench) -> Done {
    let mut case = bench.python("demo_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit).args(["--rounds", DEMO_ROUNDS]))
}

/// The Debian package on an overlay of this machine.
fn package(bench: &Bench) -> Done {
    package::test(&bench.cockpit, &bench.folder.join("package"))
}

#[cfg(test)]
mod tests {
    use super::{PARTS, WHEN_NAMED, arguments, chosen};
    use std::time::Duration;

    fn parts(names: &[String], has_dumps: bool) -> Vec<&'static str> {
        chosen(names, has_dumps).iter().map(|part| part.name).collect()
    }

    #[test]
    fn a_part_brings_what_it_needs_and_runs_after_it() {
        assert_eq!(parts(&["rust".to_owned()], true), ["build", "rust"]);
        let browser = ["packages", "chromium", "build", "ingest", "browser"];
        assert_eq!(parts(&["browser".to_owned()], true), browser);
        assert_eq!(parts(&[], true).len(), PARTS.len() - WHEN_NAMED.len());
        assert_eq!(parts(&["stream".to_owned()], true), ["python", "build", "stream"]);
    }

    #[test]
    fn the_time_comes_before_the_names() {
        let args = ["--minutes", "5", "rust"].map(str::to_owned);
        assert_eq!(arguments(&args), Ok((&args[2..], Some(Duration::from_mins(5)))));
        assert_eq!(arguments(&args[2..]), Ok((&args[2..], None)));
        assert!(arguments(&["--minutes", "soon"].map(str::to_owned)).is_err());
    }

    #[test]
    fn without_dumps_the_rest_still_runs() {
        let rest = "packages python chromium build rust locks fuzz check pages oee land many report odd names access \
            alarms reports issue openid netns damage flood odata grafana sharing notify demo package questions sql-doors";
        let rest: Vec<&str> = rest.split_whitespace().collect();
        assert_eq!(parts(&[], false), rest);
        assert!(parts(&["browser".to_owned()], false).is_empty());
    }
}
