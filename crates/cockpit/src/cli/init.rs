//! `cockpit init`: a plant folder to start from.

use super::print;
use anyhow::{Context as _, bail};
use config::starter::{self, SourceFile, Starter};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes of the file from which encoding, delimiter, header and types are detected.
const SAMPLE_BYTES: u64 = 1 << 20;

/// Where to write, and for which file.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Folder to create
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Delimited file (CSV) or JSON to describe [default: a small example, which is written too]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl InitArgs {
    /// The plant folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Writes the plant folder and prints the next steps. The folder must be empty or missing.
pub fn write(args: &InitArgs) -> anyhow::Result<()> {
    let sample = args.from.as_deref().map(Sample::read).transpose()?;
    let folder = create(&args.folder)?;
    let plant = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = starter::files(&Starter {
        plant: &plant,
        folder: &folder.to_string_lossy(),
        source: sample.as_ref().map(Sample::source),
    })?;
    for (path, text) in &files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    print_files(&files);
    Ok(())
}

/// Prints what was written.
fn print_files(files: &BTreeMap<String, String>) {
    print::line("Written:");
    for path in files.keys().filter(|path| !path.starts_with('.')) {
        print::line(&format!("  {path}"));
    }
}

/// Prints how to go on.
pub fn print_next_steps(args: &InitArgs) {
    let folder = args.folder.display();
    print::line("Next:");
    print::line(&format!("  correct the files, then: cockpit check --plant {folder}"));
    print::line(&format!("  read the dumps:          cockpit ingest --once --plant {folder}"));
    print::line(&format!("  open the pages:          cockpit serve --plant {folder}"));
}

/// The folder with its whole path; it is created.
fn create(folder: &Path) -> anyhow::Result<PathBuf> {
    let is_used = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", folder.display()));
        }
    };
    if is_used {
        bail!("{} is not empty; choose a new folder", folder.display());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))
}

/// The start of a file.
struct Sample {
    name: String,
    folder: String,
    bytes: Vec<u8>,
    is_whole: bool,
}

impl Sample {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let whole =
            path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?;
        let mut bytes = Vec::new();
        let file = fs::File::open(&whole);
        file.and_then(|file| file.take(SAMPLE_BYTES).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read {}", path.display()))?;
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = whole.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        Ok(Self { name, folder, is_whole: (bytes.len() as u64) < SAMPLE_BYTES, bytes })
    }

    fn source(&self) -> SourceFile<'_> {
        SourceFile {
            name: &self.name,
            folder: &self.folder,
            bytes: &self.bytes,
            is_whole: self.is_whole,
            table: None,
            decoded: None,
            url: None,
        }
    }
}
