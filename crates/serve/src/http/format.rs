//! The format of a response, by parameter or content negotiation.

use super::error::Error;
use crate::Limits;
use axum::http::{HeaderMap, StatusCode, header};
use report::sheet::SHEET_ROWS;

/// A format of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
    Arrow,
    Parquet,
    /// A workbook of Excel.
    Xlsx,
}

impl Format {
    const ALL: [Self; 5] = [Self::Json, Self::Csv, Self::Arrow, Self::Parquet, Self::Xlsx];

    /// The requested format: `named` (the parameter `format`) overrides the header `Accept`; JSON is the
    /// default.
    pub fn choose(named: Option<&str>, headers: &HeaderMap) -> Result<Self, Error> {
        if let Some(name) = named {
            return Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
                let message = format!("unknown format {name}: expected one of {}", Self::names());
                Error::bad("unknown_format", message)
            });
        }
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
            return Ok(Self::Json);
        };
        Self::accepted(accept).ok_or_else(|| {
            let types = Self::ALL.map(Self::media_type).join(", ");
            let message =
                format!("no format matches Accept: {accept}; the media types are: {types}");
            Error::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
        })
    }

    /// The format with the highest weight in `accept`; of equal ones the first in [`Format::ALL`], so JSON
    /// for `*/*`.
    fn accepted(accept: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for format in Self::ALL {
            let weight =
                accept.split(',').filter_map(|range| format.weight(range)).reduce(f32::max);
            let Some(weight) = weight.filter(|weight| *weight > 0.0) else { continue };
            if best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, format));
            }
        }
        best.map(|(_, format)| format)
    }

    /// The weight of this format in a range of `Accept` ("text/*;q=0.5"); `None` if the range excludes it.
    fn weight(self, range: &str) -> Option<f32> {
        let mut parts = range.split(';').map(str::trim);
        let requested = parts.next()?.to_ascii_lowercase();
        let family = self.media_type().split('/').next()?;
        let fits = requested == self.media_type()
            || requested == "*/*"
            || requested.strip_suffix("/*").is_some_and(|requested| requested == family);
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map(str::parse);
        fits.then(|| quality.and_then(Result::ok).unwrap_or(1.0))
    }

    /// Name in the parameter `format`, and the end of a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// Value of `Content-Type`, without the character set.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            other => other.media_type(),
        }
    }

    /// Value of `Content-Disposition`, for formats that browsers save as a file.
    pub fn disposition(self, name: &str) -> Option<String> {
        let is_file = matches!(self, Self::Csv | Self::Parquet | Self::Xlsx);
        is_file.then(|| format!("attachment; filename=\"{}.{}\"", plain(name), self.name()))
    }

    /// Rows of a file: a sheet of a workbook holds fewer than the other formats, its header included.
    pub fn file_rows(self, limits: &Limits) -> u64 {
        match self {
            Self::Xlsx => limits.file_rows.min(u64::from(SHEET_ROWS) - 1),
            _ => limits.file_rows,
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// `name` with every character replaced that is special in a header or a file system.
fn plain(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(named: Option<&str>, accept: Option<&str>, expected: Option<Format>) {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        }
        let chosen = Format::choose(named, &headers).ok();
        assert_eq!(chosen, expected, "format {named:?}, accept {accept:?}");
    }

    #[test]
    fn the_parameter_overrides_accept_and_the_highest_weight_wins() {
        check(None, None, Some(Format::Json));
        check(None, Some("*/*"), Some(Format::Json));
        check(None, Some("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Format::Json));
        check(None, Some("text/csv"), Some(Format::Csv));
        check(None, Some("TEXT/CSV; charset=utf-8"), Some(Format::Csv));
        check(None, Some("application/json;q=0.5, text/csv;q=0.9"), Some(Format::Csv));
        check(None, Some("text/*"), Some(Format::Csv));
        check(None, Some("application/vnd.apache.arrow.stream"), Some(Format::Arrow));
        check(None, Some("application/json;q=0"), None);
        check(None, Some("image/png"), None);
        check(Some("parquet"), Some("text/csv"), Some(Format::Parquet));
        check(Some("xlsx"), None, Some(Format::Xlsx));
        check(Some("ods"), None, None);
    }

    #[test]
    fn special_characters_in_file_names_are_replaced() {
        let name = "gold.x\"\r\nSet-Cookie: a/../b";
        let disposition = Format::Csv.disposition(name).unwrap();
        assert_eq!(disposition, "attachment; filename=\"gold.x___Set-Cookie__a_.._b.csv\"");
        assert_eq!(Format::Json.disposition("x"), None);
    }
}
