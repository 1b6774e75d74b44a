//! `cockpit source draft`: a contract from a sample of a source.

use crate::cli::print;
use anyhow::{Context as _, bail};
use config::starter::{self, DecodedRecords, Draft, SourceFile};
use ingest::draft::{self, Records};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes from which a contract is drafted: a document of JSON has to be complete.
const SAMPLE_BYTES: u64 = 64 << 20;
/// Records of a Parquet file from which types are detected.
const SAMPLE_ROWS: usize = 20_000;
/// How long an answer of a URL may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// The first bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// What to draft a contract for.
#[derive(Debug, clap::Args)]
pub struct DraftArgs {
    /// A file, or a URL of an HTTP interface
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// Name of the table [default: from the name of the file]
    #[arg(long)]
    name: Option<String>,
    /// Write bronze/NAME.toml and silver/NAME.sql into the plant folder instead of printing them
    #[arg(long)]
    write: bool,
}

/// Runs the command.
pub async fn run(args: &DraftArgs, plant: Option<&Path>) -> anyhow::Result<bool> {
    let sample = match is_url(&args.source) {
        true => Sample::fetch(&args.source, args.name.clone()).await?,
        false => Sample::read(Path::new(&args.source), args.name.clone())?,
    };
    let draft = sample.draft()?;
    if !args.write {
        print::line(draft.contract.trim_end());
        print::line("");
        print::line(&format!("# silver/{}.sql", draft.table));
        draft.silver.lines().for_each(|line| print::line(format!("# {line}").trim_end()));
        return Ok(true);
    }
    let folder = plant.context("no plant folder to write to: name it with --plant DIR")?;
    for path in write(&draft, folder)? {
        print::line(&format!("written: {}", path.display()));
    }
    Ok(true)
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Writes contract and model; existing files are kept.
fn write(draft: &Draft, folder: &Path) -> anyhow::Result<[PathBuf; 2]> {
    let table = &draft.table;
    let files = [
        (folder.join(format!("bronze/{table}.toml")), &draft.contract),
        (folder.join(format!("silver/{table}.sql")), &draft.silver),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        bail!("{} exists; choose another name with --name", path.display());
    }
    for (path, text) in &files {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(files.map(|(path, _)| path))
}

/// The first bytes of a source.
struct Sample {
    /// The name of the file, or the last part of the URL.
    name: String,
    /// The name of the table, if it is given.
    table: Option<String>,
    url: Option<String>,
    bytes: Vec<u8>,
    is_whole: bool,
    decoded: Option<DecodedRecords>,
}

impl Sample {
    fn read(path: &Path, table: Option<String>) -> anyhow::Result<Self> {
        let unreadable = || format!("cannot read {}", path.display());
        let mut file = File::open(path).with_context(unreadable)?;
        let mut bytes = Vec::new();
        (&mut file).take(SAMPLE_BYTES).read_to_end(&mut bytes).with_context(unreadable)?;
        file.rewind().with_context(unreadable)?;
        let decoded = decoded(&bytes, &file)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_whole = (bytes.len() as u64) < SAMPLE_BYTES;
        Ok(Self { name, table, url: None, bytes, is_whole, decoded })
    }

    async fn fetch(url: &str, table: Option<String>) -> anyhow::Result<Self> {
        let most = usize::try_from(SAMPLE_BYTES)?;
        let (bytes, is_whole) = draft::fetch(url, ANSWER_WITHIN, most).await?;
        let decoded = decoded(&bytes, &draft::spool(&bytes)?)?;
        let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { name, table, url: Some(url.to_owned()), bytes, is_whole, decoded })
    }

    fn draft(&self) -> anyhow::Result<Draft> {
        starter::draft(&SourceFile {
            name: &self.name,
            table: self.table.as_deref(),
            folder: "",
            bytes: &self.bytes,
            is_whole: self.is_whole,
            decoded: self.decoded.as_ref(),
            url: self.url.as_deref(),
        })
    }
}

fn decoded(bytes: &[u8], file: &File) -> anyhow::Result<Option<DecodedRecords>> {
    if !bytes.starts_with(PARQUET) {
        return Ok(None);
    }
    let Records { headers, rows } = draft::parquet_records(file, SAMPLE_ROWS)?;
    Ok(Some(DecodedRecords { headers, rows }))
}
