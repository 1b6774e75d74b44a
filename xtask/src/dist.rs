//! Release packages: an archive and a Debian package, from one staged tree, and the wheel of the Python package
//! with the program.
//!
//! `dpkg-deb` builds the package: every Debian machine has it, and the staged tree can be inspected. Both
//! packages have the same bytes for the same program and sources.

use crate::machine::{self, answer, print, run};
use crate::wheel::{self, Wheel};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The time of every packaged file: 2026-01-01 UTC, so that equal contents give equal packages.
const EPOCH_S: &str = "1767225600";

/// Shells with completions, and the path of each below `/usr/share`.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/cockpit"),
    ("zsh", "zsh/vendor-completions/_cockpit"),
    ("fish", "fish/vendor_completions.d/cockpit.fish"),
];

/// What is packaged and how it is named.
pub struct Release {
    /// The program to package.
    pub program: PathBuf,
    pub version: String,
    /// Where the packages are written.
    pub out: PathBuf,
    /// Whether the packages are compressed as well as possible, or as fast.
    pub is_small: bool,
}

/// The finished packages.
pub struct Packages {
    pub archive: PathBuf,
    pub debian: PathBuf,
    pub wheel: PathBuf,
}

/// `cargo xtask dist [--program PATH] [--out DIR]`: packages an optimised build of this tree, or the program given.
pub fn command(arguments: &[String]) -> ExitCode {
    match try_command(arguments) {
        Ok(packages) => {
            print(&packages.archive.display().to_string());
            print(&packages.debian.display().to_string());
            print(&packages.wheel.display().to_string());
            ExitCode::SUCCESS
        }
        Err(error) => {
            print(&error);
            ExitCode::FAILURE
        }
    }
}

fn try_command(arguments: &[String]) -> Result<Packages, String> {
    let (mut program, mut out) = (None, machine::root().join("target/dist"));
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().map(PathBuf::from);
        match (argument.as_str(), value) {
            ("--program", Some(path)) => program = Some(path),
            ("--out", Some(path)) => out = path,
            _ => return Err("usage: cargo xtask dist [--program PATH] [--out DIR]".to_owned()),
        }
    }
    let program = program.map_or_else(build, Ok)?;
    package(&Release { program, version: version()?, out, is_small: true })
}

/// Builds the optimised program.
fn build() -> Result<PathBuf, String> {
    run(machine::cargo().args(["build", "--release", "-p", "cockpit"]))?;
    let this = machine::built("cockpit")?;
    let folder = this.parent().and_then(Path::parent).ok_or("no target folder")?;
    Ok(folder.join("release/cockpit"))
}

/// The version of the workspace.
fn version() -> Result<String, String> {
    let manifest = fs::read_to_string(machine::root().join("Cargo.toml"));
    let manifest = manifest.map_err(|error| format!("Cargo.toml: {error}"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    let version = line.and_then(|line| line.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| "Cargo.toml: missing version".to_owned())
}

/// Writes all packages into the folder of the release.
fn package(release: &Release) -> Result<Packages, String> {
    let stage = stage(release)?;
    let archive = archive(release, &stage)?;
    let debian = debian(release, &stage)?;
    let (program, out) = (&stage.root.join("usr/bin/cockpit"), &release.out.join("wheel"));
    let wheel = wheel::build(&Wheel { program, is_release: release.is_small, out })?;
    Ok(Packages { archive, debian, wheel })
}

/// Writes the Debian package only.
pub fn debian_package(release: &Release) -> Result<PathBuf, String> {
    debian(release, &stage(release)?)
}

/// An empty folder of the release with the staged tree.
fn stage(release: &Release) -> Result<Stage, String> {
    let stage = Stage { root: release.out.join("stage") };
    let describe = |error: std::io::Error| format!("{}: {error}", release.out.display());
    if release.out.exists() {
        fs::remove_dir_all(&release.out).map_err(describe)?;
    }
    fs::create_dir_all(&stage.root).map_err(describe)?;
    stage.fill(release)?;
    Ok(stage)
}

/// A tree as it will be installed.
struct Stage {
    root: PathBuf,
}

impl Stage {
    fn fill(&self, release: &Release) -> Result<(), String> {
        let root = machine::root();
        self.copy(&release.program, "usr/bin/cockpit", 0o755)?;
        run(Command::new("strip").arg(self.root.join("usr/bin/cockpit")))?;
        let packaging = root.join("packaging");
        self.copy(
            &packaging.join("cockpit.service"),
            "usr/lib/systemd/system/cockpit.service",
            0o644,
        )?;
        self.copy(&packaging.join("cockpit.env"), "etc/plant-cockpit/cockpit.env", 0o640)?;
        let documents = "usr/share/doc/plant-cockpit";
        self.copy(&root.join("README.md"), &format!("{documents}/README.md"), 0o644)?;
        self.copy(&root.join("LICENSE"), &format!("{documents}/copyright"), 0o644)?;
        self.copy_all(&root.join("docs"), documents)?;
        self.copy_all(&root.join("plants/kerala"), "usr/share/plant-cockpit/reference")?;
        self.generate(&release.program)
    }

    /// Completions and manual pages, which the program itself prints.
    fn generate(&self, program: &Path) -> Result<(), String> {
        for (shell, path) in COMPLETIONS {
            let text = answer(Command::new(program).args(["completions", shell]));
            self.write(&format!("usr/share/{path}"), &text.ok_or("cockpit completions failed")?)?;
        }
        let pages = self.root.join("usr/share/man/man1");
        create(&pages)?;
        run(Command::new(program).arg("manual").arg(&pages))
    }

    fn copy(&self, from: &Path, to: &str, mode: u32) -> Result<(), String> {
        let to = self.root.join(to);
        let describe = |error: std::io::Error| format!("{}: {error}", from.display());
        create(to.parent().unwrap_or(&self.root))?;
        fs::copy(from, &to).map_err(describe)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(mode)).map_err(describe)
    }

    fn copy_all(&self, from: &Path, to: &str) -> Result<(), String> {
        let describe = |error: std::io::Error| format!("{}: {error}", from.display());
        for entry in fs::read_dir(from).map_err(describe)? {
            let path = entry.map_err(describe)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let to = format!("{to}/{name}");
            if path.is_dir() { self.copy_all(&path, &to)? } else { self.copy(&path, &to, 0o644)? }
        }
        Ok(())
    }

    fn write(&self, to: &str, text: &str) -> Result<(), String> {
        let to = self.root.join(to);
        create(to.parent().unwrap_or(&self.root))?;
        fs::write(&to, text).map_err(|error| format!("{}: {error}", to.display()))
    }
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// A tar archive whose top folder names version and machine. Only `usr` and `etc` are renamed.
fn archive(release: &Release, stage: &Stage) -> Result<PathBuf, String> {
    let name = format!("plant-cockpit-{}-linux-{}", release.version, std::env::consts::ARCH);
    let archive = release.out.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    tar.args([&format!("--mtime=@{EPOCH_S}"), &format!("--transform=s,^\\./usr/,{name}/,")]);
    tar.arg(format!("--transform=s,^\\./etc/,{name}/etc/,")).arg("--use-compress-program=gzip -n");
    tar.arg("-cf").arg(&archive).arg("-C").arg(&stage.root).args(["./usr", "./etc"]);
    run(&mut tar)?;
    Ok(archive)
}

/// The Debian package.
fn debian(release: &Release, stage: &Stage) -> Result<PathBuf, String> {
    let architecture = answer(Command::new("dpkg").arg("--print-architecture"));
    let architecture = architecture.ok_or("dpkg is missing; packages are built on Debian")?;
    let size = answer(Command::new("du").arg("-sk").arg(&stage.root)).unwrap_or_default();
    let size_kb = size.split_whitespace().next().unwrap_or("0").to_owned();
    let sources = machine::root().join("packaging/debian");
    for script in ["postinst", "prerm", "postrm"] {
        stage.copy(&sources.join(script), &format!("DEBIAN/{script}"), 0o755)?;
    }
    stage.copy(&sources.join("conffiles"), "DEBIAN/conffiles", 0o644)?;
    let control = fs::read_to_string(sources.join("control"));
    let control = control.map_err(|error| format!("packaging/debian/control: {error}"))?;
    let control = control.replace("@VERSION@", &release.version);
    let control = control.replace("@ARCHITECTURE@", &architecture).replace("@SIZE_KB@", &size_kb);
    stage.write("DEBIAN/control", &control)?;
    let package = release.out.join(format!("plant-cockpit_{}_{architecture}.deb", release.version));
    let mut build = Command::new("dpkg-deb");
    let compression = if release.is_small { ["-Zxz", "-z6"] } else { ["-Zgzip", "-z1"] };
    build.arg("--root-owner-group").args(compression).arg("--build").arg(&stage.root).arg(&package);
    run(build.env("SOURCE_DATE_EPOCH", EPOCH_S))?;
    Ok(package)
}
