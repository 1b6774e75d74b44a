//! Builds the pages with Node and writes the table of their files, `assets.rs`, for `lib.rs`.
//!
//! Two settings need no Node: `COCKPIT_UI_DIST=DIR` embeds pages built elsewhere (`npm run build`),
//! `COCKPIT_UI=off` embeds a placeholder page.

#![expect(clippy::disallowed_methods, reason = "a build script is configured by variables")]

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The sources of the pages. `node_modules` is not listed, because cargo would scan all of it.
const SOURCES: [&str; 6] =
    ["src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts"];

/// The oldest Node that Vite runs on.
const NODE_MIN: (u32, u32) = (20, 19);

const ALTERNATIVES: &str = "install Node 20.19 or later, or set COCKPIT_UI_DIST to a folder with built \
    pages, or set COCKPIT_UI=off to build without pages";

const NO_PAGES: &str = "<!doctype html><html lang=\"en\"><title>Plant Cockpit</title>\
    <p>This program was built without its pages (COCKPIT_UI=off). \
    The interface is at <a href=\"/api/v1/docs\">/api/v1/docs</a>.</p></html>\n";

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=COCKPIT_UI");
    println!("cargo::rerun-if-env-changed=COCKPIT_UI_DIST");
    println!("cargo::rerun-if-changed=build.rs");
    let built = pages().and_then(|(out, dist)| write_table(&out, &dist).map_err(message));
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("The pages could not be built: {message}.");
            ExitCode::FAILURE
        }
    }
}

/// The folder to write to, and the folder with the built pages.
fn pages() -> Result<(PathBuf, PathBuf), String> {
    let out = PathBuf::from(
        env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: cargo sets it for build scripts")?,
    );
    if let Some(dist) = env::var_os("COCKPIT_UI_DIST").map(PathBuf::from) {
        println!("cargo::rerun-if-changed={}", dist.display());
        let is_complete = dist.join("index.html").is_file();
        let missing = || format!("COCKPIT_UI_DIST={}: there is no index.html", dist.display());
        return is_complete.then(|| (out, dist.clone())).ok_or_else(missing);
    }
    if env::var_os("COCKPIT_UI").is_some_and(|value| value == "off") {
        let dist = out.join("no-pages");
        fs::create_dir_all(&dist).map_err(message)?;
        fs::write(dist.join("index.html"), NO_PAGES).map_err(message)?;
        if env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
            println!("cargo::warning=COCKPIT_UI=off: this release has no pages");
        }
        return Ok((out, dist));
    }
    let dist = out.join("dist");
    build(Path::new("."), &dist)?;
    Ok((out, dist))
}

/// Builds the sources in `here` into `dist`. Cargo and editors may run build scripts at the same time
/// with the same `node_modules`, so a lock file serializes them.
fn build(here: &Path, dist: &Path) -> Result<(), String> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    check_node()?;
    let lock = File::create(here.join(".install.lock")).map_err(message)?;
    lock.lock().map_err(message)?;
    install(here)?;
    let mut vite = Command::new("node");
    vite.arg("node_modules/vite/bin/vite.js").args([
        "build",
        "--emptyOutDir",
        "--logLevel",
        "warn",
    ]);
    vite.arg("--outDir").arg(dist);
    run(vite, "vite build")
}

fn check_node() -> Result<(), String> {
    let answer = Command::new("node").arg("--version").output();
    let answer =
        answer.map_err(|error| format!("node cannot be started ({error}); {ALTERNATIVES}"))?;
    let version = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let mut parts = version.trim_start_matches('v').split('.').map_while(|part| part.parse().ok());
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) if (major, minor) >= NODE_MIN => Ok(()),
        _ => Err(format!("node {version:?} is too old; {ALTERNATIVES}")),
    }
}

/// Installs the locked packages unless `node_modules` is up to date. Development packages are not
/// installed, but they are kept if they are present.
fn install(here: &Path) -> Result<(), String> {
    let lock = here.join("package-lock.json");
    let stamp = here.join("node_modules/.cockpit-lock.json");
    let wanted = fs::read(&lock).map_err(message)?;
    let by_build = fs::read(&stamp).is_ok_and(|installed| installed == wanted);
    let by_hand = newer(&here.join("node_modules/.package-lock.json"), &lock);
    if (by_build || by_hand) && here.join("node_modules/vite/bin/vite.js").is_file() {
        return Ok(());
    }
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]);
    npm.args(["--prefer-offline", "--loglevel=error"]);
    run(npm, "npm ci")?;
    fs::write(stamp, wanted).map_err(message)
}

fn newer(one: &Path, other: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    changed(one).is_some_and(|one| changed(other).is_some_and(|other| one > other))
}

fn run(mut command: Command, name: &str) -> Result<(), String> {
    let answer = command.output();
    let answer =
        answer.map_err(|error| format!("{name} cannot be started ({error}); {ALTERNATIVES}"))?;
    if answer.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!("{name} failed\n{}{}", text(&answer.stdout), text(&answer.stderr)))
}

/// Writes `assets.rs`: the files of `dist`, sorted by path, each as Brotli if that is smaller.
fn write_table(out: &Path, dist: &Path) -> io::Result<()> {
    let dist = dist.canonicalize()?;
    let mut files = Vec::new();
    collect(&dist, &mut files)?;
    let mut files: Vec<_> = files.iter().map(|file| (web_path(&dist, file), file)).collect();
    files.sort();
    let mut table = String::from("&[\n");
    for (path, file) in files {
        row(&mut table, &path, file)?;
    }
    table.push_str("]\n");
    fs::write(out.join("assets.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !is_compressed(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "br")
}

fn web_path(dist: &Path, file: &Path) -> String {
    let below = file.strip_prefix(dist).unwrap_or(file);
    below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn row(table: &mut String, path: &str, file: &Path) -> io::Result<()> {
    let content = fs::read(file)?;
    let mut compressed = file.as_os_str().to_owned();
    compressed.push(".br");
    let compressed = Path::new(&compressed);
    let is_brotli = compressed.is_file();
    let embedded = if is_brotli { compressed } else { file };
    println!("{path}: {} bytes, {} as embedded", content.len(), embedded.metadata()?.len());
    let (mime, etag) = (mime(path), fingerprint(&content));
    writeln!(
        table,
        "Asset {{ path: {path:?}, mime: {mime:?}, etag: \"{etag:032x}\", \
         content: include_bytes!({embedded:?}), is_brotli: {is_brotli} }},"
    )
    .map_err(io::Error::other)
}

fn mime(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// FNV-1a with 128 bits: identifies contents, is not cryptographic.
fn fingerprint(content: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    content.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

fn message(error: io::Error) -> String {
    error.to_string()
}
