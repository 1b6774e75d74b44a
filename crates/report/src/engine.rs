//! Renders a report from its definition and data.

mod json;
mod mistakes;
mod qr;
mod world;

use crate::data::Data;
use crate::error::Error;
use crate::{assets, chart};
use chrono::{DateTime, Datelike as _, Offset as _, Timelike as _};
use config::reports::{Definition, Format};
use config::settings::ReportLimits;
use mistakes::finished;
use std::sync::Arc;
use tokio::sync::Semaphore;
use typst::foundations::{Datetime, Smart};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, Timestamp};
use typst_svg::SvgOptions;
use world::Files;

/// Compilations after which unused results of the compiler are dropped. One report uses most of them again on
/// its second page; the next report has other data.
const KEPT_COMPILATIONS: usize = 2;

/// Renders reports; holds the fonts and the shared templates. A clone is cheap.
#[derive(Clone)]
pub struct Engine {
    assets: Arc<Assets>,
    limits: ReportLimits,
    /// Reports that may be rendered at the same time.
    free: Arc<Semaphore>,
}

/// What all reports share.
pub(crate) struct Assets {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
}

impl Engine {
    /// Loads fonts and shared templates.
    pub fn new(limits: &ReportLimits) -> Self {
        let fonts = assets::fonts().to_vec();
        let book = LazyHash::new(FontBook::from_fonts(&fonts));
        let library = LazyHash::new(Library::builder().build());
        let free = Arc::new(Semaphore::new(limits.reports_at_once));
        Self { assets: Arc::new(Assets { library, book, fonts }), limits: limits.clone(), free }
    }

    /// [`Engine::render`] on a thread for blocking work, after reports that are rendered before it.
    pub async fn render_apart(
        &self,
        report: Arc<Definition>,
        data: Arc<Data>,
        format: Format,
    ) -> Result<Vec<u8>, Error> {
        self.apart(move |engine| engine.render(&report, &data, format)).await
    }

    /// [`Engine::pages`] on a thread for blocking work, after reports that are rendered before it.
    pub async fn pages_apart(
        &self,
        report: Arc<Definition>,
        data: Arc<Data>,
    ) -> Result<Vec<String>, Error> {
        self.apart(move |engine| engine.pages(&report, &data)).await
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.free.clone().acquire_owned().await.map_err(anyhow::Error::new)?;
        let engine = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Kept until the work ends, also if the caller no longer waits for it.
            let _permit = permit;
            work(&engine)
        });
        done.await.map_err(anyhow::Error::new)?
    }

    /// The bytes of a report in a format. The same definition and data give the same bytes.
    ///
    /// # Errors
    /// The template or a chart has a mistake, or the report exceeds a limit.
    pub fn render(
        &self,
        report: &Definition,
        data: &Data,
        format: Format,
    ) -> Result<Vec<u8>, Error> {
        let bytes = match format {
            Format::Pdf => self.pdf(report, data)?,
            Format::Xlsx => crate::sheet::report(report, data)?,
            Format::Csv => crate::csv::report(data)?,
            Format::Html => {
                self.check_rows(data)?;
                crate::html::report(report, data)?.into_bytes()
            }
        };
        if bytes.len() > self.limits.report_file_bytes {
            return Err(Error::Limit {
                what: format!("the {} of {} bytes", format.as_str(), bytes.len()),
                setting: "report_file_bytes",
                limit: self.limits.report_file_bytes as u64,
                remedy: "lower max_rows of its queries, or raise the setting",
            });
        }
        Ok(bytes)
    }

    fn pdf(&self, report: &Definition, data: &Data) -> Result<Vec<u8>, Error> {
        let files = self.files(report, data)?;
        let document = self.document(&files, report)?;
        let options = PdfOptions {
            ident: Smart::Custom(format!("{} {}", data.report, data.id)),
            creator: Smart::Custom(Some("Plant Cockpit".to_owned())),
            timestamp: timestamp(data),
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&document, &options)
            .map_err(|found| Error::Template(mistakes::diagnostics(&found, &files, report)))
    }

    /// Compiles the template of a report.
    pub(crate) fn compile(&self, report: &Definition, data: &Data) -> Result<(), Error> {
        self.document(&self.files(report, data)?, report).map(drop)
    }

    /// The data of a report as its template reads it.
    pub fn json(&self, report: &Definition, data: &Data) -> serde_json::Value {
        json::data(report, data)
    }

    /// Every page as SVG, for previews.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn pages(&self, report: &Definition, data: &Data) -> Result<Vec<String>, Error> {
        let files = self.files(report, data)?;
        let document = self.document(&files, report)?;
        let options = SvgOptions::default();
        Ok(document.pages().iter().map(|page| typst_svg::svg(page, &options)).collect())
    }

    fn document(&self, files: &Files, report: &Definition) -> Result<PagedDocument, Error> {
        let compiled = typst::compile::<PagedDocument>(files);
        typst::comemo::evict(KEPT_COMPILATIONS);
        let document = finished(compiled, files, report)?;
        self.check_pages(document.pages().len())?;
        Ok(document)
    }

    /// The files that a template can read.
    fn files(&self, report: &Definition, data: &Data) -> Result<Files, Error> {
        self.check_rows(data)?;
        let mut texts: Vec<(String, String)> = Vec::new();
        let modules = assets::modules().map(|(name, text)| (name.to_owned(), text.to_owned()));
        texts.extend(modules);
        texts.extend(report.sources.iter().map(|(name, text)| (name.clone(), text.clone())));
        let mut value = json::data(report, data);
        for chart in &report.charts {
            texts.push((format!("charts/{}.svg", chart.name), chart::svg(report, chart, data)?));
            let (plain, labels) = chart::svg_and_labels(report, chart, data)?;
            if !labels.is_empty() {
                let path = format!("charts/{}-plain.svg", chart.name);
                value["charts"][&chart.name]["plain"] = path.clone().into();
                value["charts"][&chart.name]["labels"] = serde_json::json!(labels);
                texts.push((path, plain));
            }
        }
        texts.push(("qr.svg".to_owned(), qr::svg(data.url.as_deref())?));
        texts.push(("data.json".to_owned(), value.to_string()));
        Ok(Files::new(self.assets.clone(), texts, data)?)
    }

    fn check_rows(&self, data: &Data) -> Result<(), Error> {
        let (rows, limit) = (data.row_count(), self.limits.report_page_rows);
        if rows <= limit {
            return Ok(());
        }
        Err(Error::Limit {
            what: format!("the number of rows, {rows},"),
            setting: "report_page_rows",
            limit: limit as u64,
            remedy: "request XLSX or CSV, lower max_rows of its queries, or raise the setting",
        })
    }

    fn check_pages(&self, pages: usize) -> Result<(), Error> {
        let limit = self.limits.report_pages;
        if pages <= limit {
            return Ok(());
        }
        Err(Error::Limit {
            what: format!("the number of pages, {pages},"),
            setting: "report_pages",
            limit: limit as u64,
            remedy: "request XLSX or CSV, lower max_rows of its queries, or raise the setting",
        })
    }
}

/// The date of the report, in plant time, for the properties of the document.
fn timestamp(data: &Data) -> Option<Timestamp> {
    let at = DateTime::from_timestamp_micros(data.dated_at_us()?)?.with_timezone(&data.zone);
    let part = |number: u32| u8::try_from(number).ok();
    let (month, day) = (part(at.month())?, part(at.day())?);
    let (hour, minute, second) = (part(at.hour())?, part(at.minute())?, part(at.second())?);
    let local = Datetime::from_ymd_hms(at.year(), month, day, hour, minute, second)?;
    Timestamp::new_local(local, at.offset().fix().local_minus_utc() / 60)
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod tests;
