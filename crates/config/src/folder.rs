//! Reads a whole plant folder from disk, or the reference plant that is compiled in.

mod alarm_rules;
mod boards;

use super::alarms::AlarmRules;
use super::boards::Boards;
use super::diagnostic::{Diagnostic, line_of};
use super::kafka::{self, Kafka};
use super::kpi::{self, Kpi};
use super::model::{self, Model, TableName};
use super::notifications::Notifications;
use super::openid::{self, OpenIdProvider};
use super::reports::{self, Definition};
use super::retention::Retention;
use super::serve::{self, Serve};
use super::settings::{Access, Limits};
use super::temperature::Temperature;
use super::toml_reader::{Findings, TomlReader};
use super::{calendar, contract, equipment};
use anyhow::{Context, bail};
use chrono_tz::Tz;
use plant::calendar::Calendar;
use plant::contract::Contract;
use plant::equipment::Equipment;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

include!(concat!(env!("OUT_DIR"), "/plant_files.rs"));

/// A plant as described by its folder.
#[derive(Debug, Clone)]
pub struct Plant {
    pub name: String,
    pub description: String,
    pub zone: Tz,
    /// ISO 4217 code of the money in the dumps.
    pub currency: String,
    pub bucket: Option<String>,
    pub lake: Option<String>,
    pub kafka: Kafka,
    pub serve: Serve,
    pub calendar: Calendar,
    pub equipment: Equipment,
    pub limits: Limits,
    /// Limits of users, sessions and tokens.
    pub access: Access,
    /// Providers of OpenID Connect that users can log in with.
    pub openid: Vec<OpenIdProvider>,
    pub temperature: Temperature,
    /// KPIs in the order of their file.
    pub kpis: Vec<Kpi>,
    /// Alarm rules with their problems, which do not make the plant invalid.
    pub alarms: Arc<AlarmRules>,
    /// Boards with their problems, which do not make the plant invalid.
    pub boards: Arc<Boards>,
    /// Who is notified of alarms.
    pub notifications: Notifications,
    /// Reports by name.
    pub reports: BTreeMap<String, Arc<Definition>>,
    /// One contract per bronze table, by table.
    pub contracts: BTreeMap<String, Contract>,
    /// One model per silver and gold table.
    pub models: BTreeMap<TableName, Model>,
    /// How long rows of a table are kept; rows of other tables are kept without limit.
    pub retention: BTreeMap<TableName, Retention>,
    /// Tables whose file has mistakes that make it unusable.
    pub not_understood: BTreeSet<TableName>,
}

/// The file of the KPIs.
const KPIS: &str = "kpis.toml";

/// The folder of the boards, with the ending of its files.
const BOARDS: (&str, &str) = (super::boards::FOLDER, super::boards::ENDING);

/// The texts of a plant folder by their path below it.
type Texts = BTreeMap<String, String>;

/// The texts of the folder `path`, or of the reference plant if there is none.
pub fn texts(path: Option<&Path>) -> anyhow::Result<Texts> {
    let Some(path) = path else {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        return Ok(PLANT_FILES.iter().map(own).collect());
    };
    let mut texts = Texts::new();
    for (folder, ending) in
        [("", "toml"), ("bronze", "toml"), ("silver", "sql"), ("gold", "sql"), BOARDS]
    {
        read_folder(path, folder, ending, &mut texts)?;
    }
    read_reports(path, &mut texts)?;
    if !texts.contains_key("plant.toml") {
        bail!("{} has no plant.toml; choose a plant folder with --plant", path.display());
    }
    Ok(texts)
}

/// Reads the definition and the templates of every report.
fn read_reports(root: &Path, texts: &mut Texts) -> anyhow::Result<()> {
    let path = root.join(reports::FOLDER);
    let Ok(entries) = std::fs::read_dir(&path) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let folder = format!("{}/{}", reports::FOLDER, entry.file_name().to_string_lossy());
        for ending in ["toml", "typ"] {
            read_folder(root, &folder, ending, texts)?;
        }
    }
    Ok(())
}

fn read_folder(root: &Path, folder: &str, ending: &str, texts: &mut Texts) -> anyhow::Result<()> {
    let path = root.join(folder);
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(_) if !folder.is_empty() => return Ok(()),
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read the plant folder {}", path.display()));
        }
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|found| found != ending) {
            continue;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let key = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {} as UTF-8 text", path.display()))?;
        texts.insert(key, text);
    }
    Ok(())
}

/// Reads the texts of a folder. The list contains every mistake; the plant is returned if enough of it is
/// valid to check further.
pub fn read(texts: &Texts) -> (Option<Plant>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let findings = Findings::new("plant.toml", &texts["plant.toml"]);
    let plant = read_plant(&findings);
    diagnostics.extend(findings.into_diagnostics());
    let zone = plant.as_ref().map_or(Tz::UTC, |plant| plant.zone);
    let mut contracts = BTreeMap::new();
    let mut models = BTreeMap::new();
    let mut retention = BTreeMap::new();
    let mut not_understood = BTreeSet::new();
    let mut kpis = Vec::new();
    if let Some(text) = texts.get(KPIS) {
        let findings = Findings::new(KPIS, text);
        kpis = kpi::read(&findings, |at| line_of(text, at));
        diagnostics.extend(findings.into_diagnostics());
    }
    for (file, text) in texts {
        let Some((folder, name)) = file.split_once('/') else { continue };
        if folder == reports::FOLDER || folder == BOARDS.0 {
            continue;
        }
        let Some((name, _ending)) = name.rsplit_once('.') else { continue };
        let findings = Findings::new(file, text);
        if folder == "bronze" {
            match contract::read(name, zone, &findings).filter(|_| findings.are_about_meaning()) {
                Some((contract, kept)) => {
                    contracts.insert(name.to_owned(), contract);
                    retention.extend(kept.map(|kept| (TableName::new(folder, name), kept)));
                }
                None => drop(not_understood.insert(TableName::new("typed", name))),
            }
        } else {
            let table = TableName::new(folder, name);
            match model::read(table.clone(), text, &findings) {
                Some(model) => {
                    retention.extend(model.retention.map(|kept| (table.clone(), kept)));
                    models.insert(table, model);
                }
                None => drop(not_understood.insert(table)),
            }
        }
        diagnostics.extend(findings.into_diagnostics());
    }
    let mut plant =
        plant.map(|plant| Plant { contracts, models, retention, not_understood, kpis, ..plant });
    if let Some(plant) = &mut plant {
        plant.read_alarms(texts);
        plant.boards = Arc::new(super::boards::read(texts, &plant.kpis));
        let (reports, found) = reports::read(texts, &plant.shift_names(), &plant.kpis);
        plant.reports = reports;
        diagnostics.extend(found);
    }
    diagnostics.sort();
    (plant, diagnostics)
}

/// Reads plant.toml; `None` if it has no valid calendar.
pub(crate) fn read_plant(findings: &Findings<'_>) -> Option<Plant> {
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, findings);
    let name = reader.required("name", "Give the plant its name.");
    let description = reader.text("description").unwrap_or_default();
    let zone = zone(&mut reader);
    let currency = reader.text("currency").unwrap_or_default();
    let bucket = reader.text("bucket").filter(|url| !url.is_empty());
    let lake = reader.text("lake").filter(|url| !url.is_empty());
    let kafka = reader.table("kafka").map(kafka::read).unwrap_or_default();
    let serve = reader.table("serve").map(serve::read).unwrap_or_default();
    let shifts = calendar::shifts(&mut reader);
    let rests = calendar::rests(&mut reader);
    let equipment = equipment::read(&mut reader);
    let mut limits = Limits::default();
    let mut temperature = Temperature::default();
    if let Some(mut table) = reader.table("limits") {
        temperature.read_former(&mut table);
        limits.read(table);
    }
    if let Some(table) = reader.table("temperature") {
        temperature.read(table);
    }
    let access = reader.table("access").map(Access::read).unwrap_or_default();
    let openid = openid::read(&mut reader);
    // The models are checked even if the zone is invalid, so that one run reports all mistakes.
    let zone = zone.unwrap_or(Tz::UTC);
    let calendar = Calendar::new(zone, shifts)
        .map_err(|reason| reader.note("shift", reason, "Correct the shifts."))
        .or_else(|_noted| Calendar::new(zone, Vec::new()))
        .map(|calendar| calendar.with_rests(rests));
    reader.finish();
    Some(Plant {
        name: name.unwrap_or_default(),
        description,
        zone,
        currency,
        bucket,
        lake,
        kafka,
        serve,
        calendar: calendar.ok()?,
        equipment,
        limits,
        access,
        openid,
        temperature,
        kpis: Vec::new(),
        alarms: Arc::default(),
        boards: Arc::default(),
        notifications: Notifications::default(),
        reports: BTreeMap::new(),
        contracts: BTreeMap::new(),
        models: BTreeMap::new(),
        retention: BTreeMap::new(),
        not_understood: BTreeSet::new(),
    })
}

fn zone(reader: &mut TomlReader<'_, '_>) -> Option<Tz> {
    let remedy = "Write a name of the IANA time zone database, such as \"Asia/Kolkata\".";
    let name = reader.required("zone", remedy)?;
    let zone = name.parse().ok();
    if zone.is_none() {
        reader.note("zone", format!("unknown time zone `{name}`"), remedy);
    }
    zone
}
