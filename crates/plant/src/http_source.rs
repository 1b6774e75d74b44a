//! An HTTP interface that is read on a schedule: where its records are, how a request authenticates, and how the
//! next page is requested.
//!
//! Secrets are references, `env:NAME`, `file:PATH` or `credential:NAME`.

/// An HTTP interface, and how often it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPull {
    /// Seconds from the end of a read to the start of the next; `None` for the setting `http_source_every_s`.
    pub every_s: Option<u64>,
    pub source: HttpSource,
}

/// What is requested from an HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSource {
    /// The URL, http or https, without user and password.
    pub url: String,
    /// Parameters of every request, name and value.
    pub query: Vec<(String, String)>,
    /// Headers of every request, name and value.
    pub headers: Vec<(String, String)>,
    pub auth: HttpAuth,
    pub pages: Pages,
    /// What restricts a request to new records; `None` if the whole source is read each time.
    pub increment: Option<HttpIncrement>,
    /// Requests per second at most; `None` for the setting `http_source_requests_per_s`.
    pub requests_per_s: Option<u64>,
}

/// How a request authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpAuth {
    None,
    /// User and password (RFC 7617).
    Basic {
        user: String,
        password: String,
    },
    /// A token in the header `Authorization` (RFC 6750).
    Bearer {
        token: String,
    },
    /// A key in a header.
    KeyHeader {
        name: String,
        key: String,
    },
    /// A key in a parameter of the URL.
    KeyParameter {
        name: String,
        key: String,
    },
    /// A token that is requested with the credentials of this program (OAuth 2.0, RFC 6749 section 4.4).
    ClientCredentials {
        token_url: String,
        client_id: String,
        client_secret: String,
        scope: Option<String>,
    },
}

/// How the next page is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pages {
    /// One answer has all records.
    One,
    /// Pages have numbers. A page without records is the last one.
    Number { parameter: String, first: u64, size: Option<PageSize> },
    /// A page starts after a number of records. A page without records is the last one.
    Offset { parameter: String, size: Option<PageSize> },
    /// An answer has the cursor of the next page at this path; the last one has none.
    Cursor { parameter: String, path: String, size: Option<PageSize> },
    /// The header `Link` has the URL of the next page (RFC 8288).
    LinkHeader { size: Option<PageSize> },
    /// An answer has the URL of the next page at this path, such as `@odata.nextLink`.
    NextLink { path: String, size: Option<PageSize> },
}

impl Pages {
    /// The number of records that is requested per page.
    pub fn size(&self) -> Option<&PageSize> {
        match self {
            Self::One => None,
            Self::Number { size, .. }
            | Self::Offset { size, .. }
            | Self::Cursor { size, .. }
            | Self::LinkHeader { size }
            | Self::NextLink { size, .. } => size.as_ref(),
        }
    }

    /// Path in the answer of what the request of the next page needs.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Cursor { path, .. } | Self::NextLink { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// The parameter for the number of records per page, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSize {
    pub parameter: String,
    pub records: u64,
}

/// The place of the watermark in the value of a parameter.
pub const WATERMARK: &str = "{watermark}";

/// A parameter that restricts a request to records that changed since a watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpIncrement {
    /// The column of the contract that grows with each change of a record.
    pub column: String,
    pub parameter: String,
    /// The value of the parameter, with [`WATERMARK`] for the greatest value of the column.
    pub value: String,
    /// The watermark of the first request; `None` to leave the parameter out of it.
    pub first: Option<String>,
    /// Seconds by which the clock of the source may be ahead. A later watermark is not used, since it would hide
    /// the records before it.
    pub clock_tolerance_s: u64,
}

impl HttpIncrement {
    /// The value of the parameter for a watermark.
    pub fn value_at(&self, watermark: &str) -> String {
        self.value.replace(WATERMARK, watermark)
    }
}

/// A position in a source, so that watermarks can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// What the position is compared by.
    pub order: Order,
    /// The text of the source.
    pub text: String,
}

/// What positions are compared by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time(i64),
    Number(f64),
    /// By the text itself.
    Text,
}

impl Position {
    /// Whether this position is after `other`.
    pub fn is_after(&self, other: &Self) -> bool {
        match (self.order, other.order) {
            (Order::Time(one), Order::Time(other)) => one > other,
            (Order::Number(one), Order::Number(other)) => one > other,
            _ => self.text > other.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_compared_by_their_values() {
        let position = |order, text: &str| Position { order, text: text.to_owned() };
        let (nine, ten) = (position(Order::Number(9.0), "9"), position(Order::Number(10.0), "10"));
        assert!(ten.is_after(&nine) && !nine.is_after(&ten) && !nine.is_after(&nine));
        let (early, late) = (position(Order::Time(1), "z"), position(Order::Time(2), "a"));
        assert!(late.is_after(&early));
        assert!(position(Order::Text, "b").is_after(&position(Order::Text, "a")));
    }

    #[test]
    fn the_watermark_is_written_into_the_value() {
        let increment = HttpIncrement {
            column: "at".into(),
            parameter: "$filter".into(),
            value: "ModifiedAt gt {watermark}".into(),
            first: None,
            clock_tolerance_s: 0,
        };
        assert_eq!(increment.value_at("2026-01-01"), "ModifiedAt gt 2026-01-01");
    }
}
