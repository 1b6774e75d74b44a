//! `cockpit schema` and `cockpit reference`: the keys and settings of the program, for editors and for the
//! documentation.

use super::print;
use anyhow::Context as _;
use clap::ValueEnum;
use config::schema::{Document, json_schema};
use std::path::Path;

/// A TOML file of a plant folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum File {
    /// plant.toml
    Plant,
    /// bronze/TABLE.toml
    Contract,
    /// kpis.toml
    Kpis,
    /// alarms.toml
    Alarms,
    /// boards/NAME.toml
    Board,
}

impl File {
    fn document(self) -> Document {
        match self {
            Self::Plant => Document::Plant,
            Self::Contract => Document::Contract,
            Self::Kpis => Document::Kpis,
            Self::Alarms => Document::Alarms,
            Self::Board => Document::Board,
        }
    }
}

/// Prints the JSON Schema of a file.
pub fn print_schema(file: File) {
    print::line(json_schema(file.document()).trim_end());
}

/// Writes the generated pages of the reference to a folder.
pub fn write_pages(folder: &Path) -> anyhow::Result<()> {
    for (name, text) in config::reference::pages() {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
