//! Reads HTTP interfaces: JSON, JSON lines, CSV and any other format of dumps, page by page.
//!
//! In: what a contract configures of the interface, and where the last pull ended.
//! Out: the answers of one pull, each a dump whose records the decoder of the contract reads.
//! Promise: an answer is complete or an error. Pages that repeat, pages for people instead of data, and answers
//! beyond a limit are errors that name the request and the remedy. Credentials are sent to the configured server
//! only, and are part of no output.

mod auth;
mod client;
mod failure;
mod json_path;
pub mod kept;
mod pages;
mod scan;

pub use client::{Clock, HttpLimits};

use crate::Error;
use crate::files::Fetched;
use chrono::TimeDelta;
use client::{Body, Client};
use config::outgoing::OutgoingPolicy;
use config::settings::Limits;
use pages::{PageFacts, Pager};
use plant::contract::Contract;
use plant::http_source::{HttpIncrement, HttpSource, Pages, Position};
use reqwest::Url;
use scan::{Content, Ruler, scan};
use serde::{Deserialize, Serialize};
use std::io::{BufReader, Read};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Where the next pull starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The greatest value of the column of the increment, as the source wrote it.
    pub watermark: Option<String>,
    /// The first request and the `ETag` of its answer, if that was the only page.
    pub etag: Option<(String, String)>,
    /// SHA-256 of the answers of the last pull that had records.
    pub answers: Vec<String>,
}

/// One answer with records.
#[derive(Debug)]
pub struct Answer {
    /// Number of the page, from 1.
    pub page: u64,
    /// The request, without credentials.
    pub request: String,
    pub fetched: Fetched,
    pub records: u64,
}

/// The result of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub pages: u64,
    pub records: u64,
    pub size_bytes: u64,
    /// Whether the source has not changed since the last pull. The answers are those of the last pull, or none.
    pub is_unchanged: bool,
    /// Records whose time is later than the tolerance of clocks permits. They do not move the watermark.
    pub ahead: u64,
    pub next: Checkpoint,
}

/// Reads one HTTP interface.
#[derive(Debug)]
pub struct HttpReader {
    contract: Arc<Contract>,
    source: HttpSource,
    url: Url,
    client: Client,
    limits: Arc<Limits>,
    pages_max: u64,
    ruler: Option<Ruler>,
    clock: Clock,
}

impl HttpReader {
    /// A reader of the interface `source` of a contract. Must be called within the runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if the source is invalid.
    pub fn new(
        contract: Arc<Contract>,
        source: HttpSource,
        policy: OutgoingPolicy,
        limits: Arc<Limits>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let url = Url::parse(&source.url).map_err(|error| Error::Config(error.into()))?;
        let http_limits = HttpLimits::from_settings(&limits);
        let client = Client::new(&source, policy, http_limits, clock)?;
        let column = source.increment.as_ref().map(|it| it.column.as_str());
        let ruler = column.map(|column| {
            Ruler::new(&contract, column).ok_or_else(|| {
                Error::Config(anyhow::anyhow!("the contract has no column `{column}`"))
            })
        });
        let (ruler, pages_max) = (ruler.transpose()?, http_limits.pages);
        Ok(Self { contract, source, url, client, limits, pages_max, ruler, clock })
    }

    /// Reads all pages from a checkpoint and sends those with records to `out`.
    ///
    /// # Errors
    /// See [`Client::get`]; [`Error::Data`] if an answer is not what the contract describes, or pages repeat;
    /// [`Error::Stopped`] if the receiver of the answers is closed.
    pub async fn pull(&mut self, from: &Checkpoint, out: &Sender<Answer>) -> Result<Pulled, Error> {
        let source = self.source.clone();
        let restricted = source.increment.as_ref().and_then(|it| parameter(it, from));
        let restricted = restricted.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut pager = Pager::new(&source, self.url.clone(), restricted);
        let mut progress = Progress::default();
        let mut next = Some(pager.first());
        while let Some(url) = next {
            if pager.number() > self.pages_max {
                return Err(self.too_many_pages());
            }
            let request = self.client.shown(&url);
            let etag = from.etag.as_ref().filter(|(known, _)| *known == request);
            let Some(body) = self.client.get(&url, etag.map(|(_, etag)| etag.as_str())).await?
            else {
                progress.is_not_modified = true;
                break;
            };
            let etag = body.etag.clone().map(|etag| (request.clone(), etag));
            let (answer, facts) = self.read(request, pager.number(), body, &mut progress).await?;
            next = pager.next(&facts).map_err(Error::Data)?;
            progress.etag = etag.filter(|_| source.pages == Pages::One);
            // A source that restricts by "not before" repeats its last records; the same answer lands once.
            let is_repeated =
                source.increment.is_some() && from.answers.contains(&answer.fetched.sha256);
            if answer.records > 0 && !is_repeated {
                progress.answers.push(answer.fetched.sha256.clone());
                out.send(answer).await.map_err(|_closed| Error::Stopped)?;
            }
        }
        Ok(progress.into_pulled(from, self.ruler.as_ref()))
    }

    /// Takes an answer as a dump, and what it states about the next page.
    async fn read(
        &self,
        request: String,
        page: u64,
        body: Body,
        progress: &mut Progress,
    ) -> Result<(Answer, PageFacts), Error> {
        if body.is_html {
            return Err(Error::Data(format!(
                "{request} answered with a page for people (HTML) instead of data; check the URL, and whether the \
                 login has expired"
            )));
        }
        let fetched = Fetched::new(&request, body.file, body.digest)?;
        let tolerance_s = self.source.increment.as_ref().map_or(0, |it| it.clock_tolerance_s);
        let tolerance = TimeDelta::seconds(tolerance_s.min(u64::from(u32::MAX)).cast_signed());
        let latest_us = ((self.clock)() + tolerance).timestamp_micros();
        let (contract, limits) = (self.contract.clone(), self.limits.clone());
        let scanned =
            scan(fetched.again()?, contract, limits, self.ruler.as_ref(), latest_us).await;
        let content = scanned.map_err(|error| match error {
            Error::Data(reason) => Error::Data(format!("the answer of {request}: {reason}")),
            other => other,
        })?;
        let next = match self.source.pages.path() {
            Some(path) if body.size_bytes > 0 => json_value(&fetched, path, &request)?,
            _ => None,
        };
        let (records, sha256) = (content.records, fetched.sha256.clone());
        progress.take(content, body.size_bytes);
        let facts = PageFacts { records, sha256, next, link: body.link };
        Ok((Answer { page, request, fetched: fetched.again()?, records }, facts))
    }

    fn too_many_pages(&self) -> Error {
        let (url, most) = (self.client.shown(&self.url), self.pages_max);
        Error::Data(format!(
            "{url} has more than {most} pages; request larger pages, or raise `http_source_pages`"
        ))
    }
}

/// What was read in a pull so far.
#[derive(Debug, Default)]
struct Progress {
    pages: u64,
    records: u64,
    size_bytes: u64,
    ahead: u64,
    last: Option<Position>,
    etag: Option<(String, String)>,
    answers: Vec<String>,
    is_not_modified: bool,
}

impl Progress {
    fn take(&mut self, content: Content, size_bytes: u64) {
        self.pages += 1;
        self.records += content.records;
        self.size_bytes += size_bytes;
        self.ahead += content.ahead;
        let is_later = |one: &Position| self.last.as_ref().is_none_or(|last| one.is_after(last));
        if let Some(last) = content.last.filter(is_later) {
            self.last = Some(last);
        }
    }

    fn into_pulled(self, from: &Checkpoint, ruler: Option<&Ruler>) -> Pulled {
        let is_empty = self.answers.is_empty();
        let is_same = ruler.is_none() && self.answers == from.answers;
        let is_unchanged = self.is_not_modified || is_same || is_empty && ruler.is_some();
        // A source whose clock was set back does not move the watermark back.
        let before = ruler.zip(from.watermark.as_deref());
        let before = before.and_then(|(ruler, text)| ruler.position(text));
        let last = self.last.filter(|last| before.as_ref().is_none_or(|it| last.is_after(it)));
        let next = Checkpoint {
            watermark: last.map(|it| it.text).or_else(|| from.watermark.clone()),
            etag: if self.is_not_modified { from.etag.clone() } else { self.etag },
            answers: if is_unchanged { from.answers.clone() } else { self.answers },
        };
        let Self { pages, records, size_bytes, ahead, .. } = self;
        Pulled { pages, records, size_bytes, is_unchanged, ahead, next }
    }
}

/// The parameter that restricts a request to the records after a checkpoint; `None` for the first request of a
/// source that needs none.
fn parameter(increment: &HttpIncrement, from: &Checkpoint) -> Option<(String, String)> {
    let watermark = from.watermark.as_ref().or(increment.first.as_ref())?;
    Some((increment.parameter.clone(), increment.value_at(watermark)))
}

/// The value at a path of a JSON answer, which may begin with a byte order mark.
fn json_value(answer: &Fetched, path: &str, request: &str) -> Result<Option<String>, Error> {
    let mut reader = BufReader::new(answer.again()?.into_file());
    let mut mark = [0; 3];
    let is_marked = reader.read_exact(&mut mark).is_ok() && mark == *b"\xEF\xBB\xBF";
    if !is_marked {
        reader = BufReader::new(answer.again()?.into_file());
    }
    json_path::value_at(reader, path).map_err(|error| {
        Error::Data(format!(
            "the answer of {request} is not JSON: {error}; `{path}` is looked for in it"
        ))
    })
}

impl HttpLimits {
    fn from_settings(limits: &Limits) -> Self {
        let limits = &limits.ingest;
        Self {
            requests_per_s: limits.http_source_requests_per_s,
            attempts: limits.http_source_attempts,
            retry_first_ms: limits.http_source_retry_first_ms,
            retry_longest_ms: limits.http_source_retry_longest_ms,
            connect_ms: limits.http_source_connect_ms,
            silence_ms: limits.http_source_silence_ms,
            answer_ms: limits.http_source_answer_ms,
            answer_bytes: limits.http_source_answer_bytes,
            pages: limits.http_source_pages,
        }
    }
}

#[cfg(test)]
mod tests;
