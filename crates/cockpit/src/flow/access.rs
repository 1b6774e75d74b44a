//! Where the database of users is stored.

use anyhow::bail;
use config::Config;
use std::path::PathBuf;
use url::Url;

/// The path of the database: beside a local lake.
///
/// # Errors
/// The lake is not on this machine.
pub fn path(config: &Config) -> anyhow::Result<PathBuf> {
    let lake = &config.lake.0;
    let local = match Url::parse(lake) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        Ok(_) => None,
        Err(_) => Some(PathBuf::from(lake)),
    };
    let Some(mut folder) = local else {
        bail!(
            "the lake {lake} is not on this machine: configure `state` in [access] of plant.toml"
        );
    };
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".access");
    folder.set_file_name(name);
    Ok(folder.join("access.db"))
}
