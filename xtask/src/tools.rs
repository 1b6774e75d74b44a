//! Installs what the tests need, or reports what is missing.

use crate::machine::{self, answer, run};
use crate::maven::Jars;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Node the pages are built with.
const NODE_MIN: (u32, u32) = (20, 19);

/// Spark as pip knows it. It brings jars of its own; those below are what it lacks.
const PYSPARK: &str = "pyspark==4.0.1";

/// The client of Delta Sharing as pip knows it.
const DELTA_SHARING: &str = "delta-sharing==1.4.2";

/// What generates requests from an OpenAPI description, as pip knows it.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// The emulator of Azure Blob Storage as npm knows it (MIT).
const AZURITE: &str = "azurite@3.35.0";

/// The emulator of Google Cloud Storage, a program in Go (BSD-2-Clause), and its version.
const FAKE_GCS: (&str, &str) = ("github.com/fsouza/fake-gcs-server", "v1.56.1");

/// What builds the wheel of the Python package, and what runs its tests and notebooks, as pip knows them.
const MATURIN: &str = "maturin==1.16.0";
const RUNNERS: [&str; 4] =
    ["pytest==9.2.0", "nbclient==0.11.0", "ipykernel==7.4.0", "matplotlib==3.11.2"];

/// The connector is the release before: what that one needs to log in was not published with it.
const SPARK_JARS: Jars = Jars {
    name: "Spark",
    folder: "spark/4.0.1",
    artifacts: &[
        ("io.delta", "delta-spark_2.13", "4.0.0"),
        ("io.delta", "delta-storage", "4.0.0"),
        ("org.antlr", "antlr4-runtime", "4.13.1"),
        ("org.apache.spark", "spark-sql-kafka-0-10_2.13", "4.0.0"),
        ("org.apache.spark", "spark-token-provider-kafka-0-10_2.13", "4.0.0"),
        ("org.apache.kafka", "kafka-clients", "3.9.0"),
        ("org.apache.commons", "commons-pool2", "2.12.0"),
    ],
    alone: true,
};

/// Installs a Debian package, if that is allowed here.
fn install(package: &str, why: &str) -> Result<(), String> {
    let has_apt = answer(Command::new("apt-get").arg("--version")).is_some();
    if !has_apt || !machine::is_root() {
        return Err(format!("{why}; install it, on Debian: apt-get install {package}"));
    }
    let mut update = Command::new("apt-get");
    run(update.args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends", package]);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// What Rust's dependencies are built with besides Rust.
pub fn compilers() -> Result<(), String> {
    if answer(Command::new("cc").arg("--version")).is_none() {
        install("build-essential", "no C compiler (cc) is installed")?;
    }
    if answer(Command::new("pkg-config").arg("--version")).is_none() {
        install("pkg-config", "pkg-config is not installed")?;
    }
    if answer(Command::new("pkg-config").args(["--modversion", "openssl"])).is_none() {
        install("libssl-dev", "the headers of OpenSSL are not installed")?;
    }
    node()
}

pub fn node() -> Result<(), String> {
    let version = answer(Command::new("node").arg("--version")).unwrap_or_default();
    let mut parts = version.trim_start_matches('v').split('.').map_while(|it| it.parse().ok());
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) if (major, minor) >= NODE_MIN => Ok(()),
        _ if version.is_empty() => Err("Node is not installed; it must be 20.19 or later".into()),
        _ => Err(format!("Node {version} is too old; it must be 20.19 or later")),
    }
}

/// The browser that drives the pages.
pub fn chromium() -> Result<(), String> {
    let program = machine::chromium();
    if program.is_file() {
        return Ok(());
    }
    install("chromium", &format!("no browser at {} (or CHROMIUM)", program.display()))
}

/// What makes keys and certificates.
pub fn openssl() -> Result<(), String> {
    if answer(Command::new("openssl").arg("version")).is_some() {
        return Ok(());
    }
    install("openssl", "openssl is not installed")
}

/// Clients of PostgreSQL: psql, the driver managers of ODBC and JDBC with their drivers, Java.
pub fn postgres_clients() -> Result<(), String> {
    for (path, package) in [
        ("/usr/bin/psql", "postgresql-client"),
        ("/usr/bin/odbcinst", "odbcinst"),
        ("/usr/lib/x86_64-linux-gnu/libodbc.so.2", "libodbc2"),
        ("/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so", "odbc-postgresql"),
        ("/usr/share/java/postgresql.jar", "libpostgresql-jdbc-java"),
        // The case is a source file, which the development kit runs.
        ("/usr/bin/javac", "default-jdk-headless"),
    ] {
        if !Path::new(path).is_file() {
            install(package, &format!("no {path}"))?;
        }
    }
    Ok(())
}

/// Servers of databases. They run as the users that their packages make.
pub fn database_servers() -> Result<(), String> {
    for (path, package) in
        [("/usr/lib/postgresql", "postgresql"), ("/usr/sbin/mariadbd", "mariadb-server")]
    {
        if !Path::new(path).exists() {
            install(package, &format!("no {path}"))?;
        }
    }
    Ok(())
}

/// A broker of MQTT.
pub fn mqtt_broker() -> Result<(), String> {
    for (path, package) in [("/usr/sbin/mosquitto", "mosquitto"), ("/usr/bin/openssl", "openssl")] {
        if !Path::new(path).exists() {
            install(package, &format!("no {path}"))?;
        }
    }
    Ok(())
}

/// Servers of SFTP, FTP and WebDAV, and the client of SSH. Each runs in a folder of the test.
pub fn file_servers() -> Result<(), String> {
    for (path, package) in [
        ("/usr/bin/ssh", "openssh-client"),
        ("/usr/sbin/sshd", "openssh-server"),
        ("/usr/sbin/proftpd", "proftpd-core"),
        ("/usr/lib/proftpd/mod_tls.so", "proftpd-mod-crypto"),
        ("/usr/sbin/lighttpd", "lighttpd"),
        ("/usr/lib/lighttpd/mod_webdav.so", "lighttpd-mod-webdav"),
    ] {
        if !Path::new(path).exists() {
            install(package, &format!("no {path}"))?;
        }
    }
    openssl()
}

/// An emulator of Azure Blob Storage.
pub fn azurite() -> Result<PathBuf, String> {
    node()?;
    let folder = machine::cache()?.join(AZURITE.replace('@', "/"));
    let program = folder.join("node_modules/.bin/azurite-blob");
    once(&folder, || {
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]);
        run(npm.arg(&folder).arg(AZURITE))
    })?;
    Ok(program)
}

/// An emulator of Google Cloud Storage; `None` without Go, which compiles it.
pub fn fake_gcs() -> Result<Option<PathBuf>, String> {
    if answer(Command::new("go").arg("version")).is_none() {
        return Ok(None);
    }
    let (module, version) = FAKE_GCS;
    let folder = machine::cache()?.join(format!("fake-gcs-server/{version}"));
    once(&folder, || {
        let mut go = Command::new("go");
        go.arg("install").arg(format!("{module}@{version}"));
        run(go.env("GOBIN", &folder).env_remove("GOFLAGS"))
    })?;
    Ok(Some(folder.join("fake-gcs-server")))
}

/// Fills a folder of the cache, unless that was done before.
fn once(folder: &Path, fill: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let describe = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(describe)?;
    let lock = File::create(folder.join(".install.lock")).map_err(describe)?;
    lock.lock().map_err(describe)?;
    let stamp = folder.join(".installed");
    if !stamp.is_file() {
        fill()?;
        fs::write(stamp, "").map_err(describe)?;
    }
    Ok(())
}

/// The text of PDF files.
pub fn poppler() -> Result<(), String> {
    match answer(Command::new("pdftotext").arg("-v")) {
        Some(_) => Ok(()),
        None => install("poppler-utils", "pdftotext is not installed"),
    }
}

/// What builds and starts packages.
pub fn packaging() -> Result<(), String> {
    for (program, package) in [("strip", "binutils"), ("curl", "curl"), ("setpriv", "util-linux")] {
        if answer(Command::new(program).arg("--version")).is_none() {
            install(package, &format!("{program} is not installed"))?;
        }
    }
    Ok(())
}

/// What connects network namespaces and opens the service from them; false if this machine does not allow to
/// create them.
pub fn namespaces() -> Result<bool, String> {
    if answer(Command::new("unshare").args(["--net", "--mount", "true"])).is_none() {
        return Ok(false);
    }
    for (program, flag, package) in [("ip", "-Version", "iproute2"), ("curl", "--version", "curl")]
    {
        if answer(Command::new(program).arg(flag)).is_none() {
            install(package, &format!("{program} is not installed"))?;
        }
    }
    openssl()?;
    Ok(true)
}

/// Installs the packages of the pages as their lock names them, those for development too.
pub fn packages() -> Result<(), String> {
    packages_of("ui")
}

/// Installs the provider of OpenID Connect that tests log in at.
pub fn openid_provider() -> Result<(), String> {
    packages_of("tests/openid")
}

/// Installs the packages of a folder of the repository as its lock names them.
fn packages_of(folder: &str) -> Result<(), String> {
    node()?;
    let describe = |error: std::io::Error| format!("the packages of {folder}/: {error}");
    let folder = machine::root().join(folder);
    let wanted = fs::read(folder.join("package-lock.json")).map_err(describe)?;
    let stamp = folder.join("node_modules/.xtask-lock.json");
    // The build of the pages installs into the same folder under the same lock.
    let lock = File::create(folder.join(".install.lock")).map_err(describe)?;
    lock.lock().map_err(describe)?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
    run(npm.current_dir(&folder))?;
    fs::write(stamp, wanted).map_err(describe)
}

/// The Python of the oracle, with its packages.
pub fn python() -> Result<PathBuf, String> {
    let requirements = machine::root().join("tests/oracle/requirements.txt");
    let wanted = fs::read(&requirements).map_err(|error| format!("the oracle's packages: {error}"));
    environment(wanted?, &[OsStr::new("-r"), requirements.as_os_str()])
}

/// A Python with the client of Delta Sharing, which needs older packages than the oracle.
pub fn delta_sharing() -> Result<PathBuf, String> {
    environment(DELTA_SHARING.into(), &[OsStr::new(DELTA_SHARING)])
}

/// A Python with schemathesis, which brings packages of its own.
pub fn schemathesis() -> Result<PathBuf, String> {
    environment(SCHEMATHESIS.into(), &[OsStr::new(SCHEMATHESIS)])
}

/// A Python that builds wheels.
pub fn maturin() -> Result<PathBuf, String> {
    environment(MATURIN.into(), &[OsStr::new(MATURIN)])
}

/// A Python with Spark, and the folder of the jars with which that reads Kafka and writes Delta tables.
pub fn spark() -> Result<(PathBuf, PathBuf), String> {
    let jars = SPARK_JARS.fetched()?;
    Ok((environment(PYSPARK.into(), &[OsStr::new(PYSPARK)])?, jars))
}

/// The Python of an environment with what pip installs by these words, made if it is not there. It is
/// named after what is wanted and the Python it is for, so that a change of either makes a new one.
fn environment(mut wanted: Vec<u8>, words: &[&OsStr]) -> Result<PathBuf, String> {
    let describe = |error: std::io::Error| format!("the Python environment: {error}");
    let version = answer(Command::new("python3").args(["-c", "import sys; print(sys.version)"]));
    let version = version.ok_or("python3 is not installed; the oracle is written in it")?;
    wanted.extend(version.as_bytes());
    let folder = machine::cache()?.join(format!("venv/{:016x}", fingerprint(&wanted)));
    let python = folder.join("bin/python");
    fs::create_dir_all(&folder).map_err(describe)?;
    let lock = File::create(folder.with_extension("lock")).map_err(describe)?;
    lock.lock().map_err(describe)?;
    let stamp = folder.join("installed");
    if stamp.is_file() && answer(Command::new(&python).arg("--version")).is_some() {
        return Ok(python);
    }
    make_environment(&folder)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(words))?;
    fs::write(stamp, "").map_err(describe)?;
    Ok(python)
}

/// A new environment with a wheel, as pip installs it, and what runs its tests. What the Pythons
/// `beside` have can be imported there, too.
pub fn with_wheel(folder: &Path, wheel: &Path, beside: &[PathBuf]) -> Result<PathBuf, String> {
    let describe = |error: std::io::Error| format!("{}: {error}", wheel.display());
    make_environment(folder)?;
    let python = folder.join("bin/python");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.arg(wheel).args(RUNNERS))?;
    let paths = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let path_of = |python: &Path| {
        answer(Command::new(python).args(["-c", paths])).ok_or("an environment without packages")
    };
    let own = PathBuf::from(path_of(&python)?.trim());
    let others: Vec<String> = beside.iter().map(|it| path_of(it)).collect::<Result<_, _>>()?;
    fs::write(own.join("beside.pth"), others.join("\n")).map_err(describe)?;
    Ok(python)
}

fn make_environment(folder: &Path) -> Result<(), String> {
    if answer(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_none() {
        install("python3-venv", "python3 comes without its venv module")?;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))
}

/// FNV-1a over 64 bits: the same in every release of Rust.
fn fingerprint(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_fingerprint_is_fnv_1a() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
