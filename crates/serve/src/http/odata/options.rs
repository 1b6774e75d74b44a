//! The query options of a request.

use super::position::FeedPosition;
use super::syntax::apply::{Step, parse_apply};
use super::syntax::expression::{Node, Sort, parse_filter, parse_orderby, parse_select};
use super::syntax::{SyntaxError, SyntaxLimits};
use crate::http::error::Error;
use axum::http::StatusCode;
use std::collections::BTreeMap;
use url::form_urlencoded;

/// Options of OData that this service does not have.
const UNSUPPORTED: [&str; 6] =
    ["$expand", "$search", "$compute", "$levels", "$index", "$schemaversion"];

/// Options that are read.
const KNOWN: [&str; 9] = [
    "$filter",
    "$select",
    "$orderby",
    "$top",
    "$skip",
    "$count",
    "$apply",
    "$skiptoken",
    "$format",
];

/// Options that stay in the address of the next page; the token contains what is left of the others.
const KEPT: [&str; 5] = ["$filter", "$select", "$orderby", "$apply", "$format"];

/// The options of a request. Names are not checked against the table yet.
#[derive(Debug, Default)]
pub struct Options {
    pub filter: Option<Node>,
    /// `None` for all properties.
    pub select: Option<Vec<String>>,
    pub orderby: Vec<Sort>,
    pub top: Option<u64>,
    pub skip: u64,
    pub count: bool,
    pub apply: Vec<Step>,
    pub position: Option<FeedPosition>,
    given: BTreeMap<String, String>,
}

impl Options {
    /// Reads `query`, the part of the address after the question mark.
    pub fn parse(query: Option<&str>, limits: SyntaxLimits) -> Result<Self, Error> {
        let given = given(query)?;
        let option = |name: &str| given.get(name).map(String::as_str);
        check_format(option("$format"))?;
        let filter = option("$filter").map(|text| parse_filter(text, limits));
        let select = option("$select").map(|text| parse_select(text, limits));
        let orderby = option("$orderby").map(|text| parse_orderby(text, limits));
        let apply = option("$apply").map(|text| parse_apply(text, limits));
        Ok(Self {
            filter: filter.transpose().map_err(|error| invalid("$filter", &error))?,
            select: select.transpose().map_err(|error| invalid("$select", &error))?.flatten(),
            orderby: orderby
                .transpose()
                .map_err(|error| invalid("$orderby", &error))?
                .unwrap_or_default(),
            apply: apply
                .transpose()
                .map_err(|error| invalid("$apply", &error))?
                .unwrap_or_default(),
            top: option("$top").map(|text| whole_number("$top", text)).transpose()?,
            skip: option("$skip").map_or(Ok(0), |text| whole_number("$skip", text))?,
            count: option("$count").map_or(Ok(false), flag)?,
            position: option("$skiptoken").map(FeedPosition::decode).transpose()?,
            given,
        })
    }

    /// The options that the address of the next page repeats.
    pub fn kept(&self) -> Vec<(String, String)> {
        let is_kept = |name: &str| KEPT.contains(&name);
        let kept = self.given.iter().filter(|(name, _)| is_kept(name));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The options as text, for the audit log.
    pub fn description(&self) -> String {
        let option = |(name, value): (&String, &String)| format!("{name}={value}");
        let shown = self.given.iter().filter(|(name, _)| *name != "$skiptoken");
        shown.map(option).collect::<Vec<_>>().join("&")
    }
}

/// The query of the page behind `position`.
pub fn next_query(kept: &[(String, String)], position: &FeedPosition) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    query.append_pair("$skiptoken", &position.encode());
    // `+` in an address is a plus for some clients.
    query.finish().replace('+', "%20").replace("%24", "$")
}

fn given(query: Option<&str>) -> Result<BTreeMap<String, String>, Error> {
    let mut given = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if UNSUPPORTED.contains(&name.as_ref()) {
            let message = format!("{name} is not supported");
            return Err(Error::new(StatusCode::NOT_IMPLEMENTED, "unsupported_option", message));
        }
        if !KNOWN.contains(&name.as_ref()) {
            let message = format!("unknown option {name}: expected one of {}", KNOWN.join(", "));
            return Err(Error::bad("unknown_parameter", message));
        }
        let before = given.insert(name.clone().into_owned(), value.into_owned());
        if before.is_some() {
            return Err(Error::bad("bad_parameter", format!("{name} is given twice")));
        }
    }
    Ok(given)
}

fn check_format(format: Option<&str>) -> Result<(), Error> {
    let is_json = |format: &str| format == "json" || format.starts_with("application/json");
    if format.is_none_or(is_json) {
        return Ok(());
    }
    let message = "invalid $format: expected json";
    Err(Error::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message))
}

fn invalid(option: &str, error: &SyntaxError) -> Error {
    Error::bad("bad_filter", format!("invalid {option}: {error}"))
}

fn whole_number(name: &str, text: &str) -> Result<u64, Error> {
    let bad =
        |_| Error::bad("bad_value", format!("invalid {name} `{text}`: expected a number of rows"));
    text.parse().map_err(bad)
}

fn flag(text: &str) -> Result<bool, Error> {
    let bad =
        |_| Error::bad("bad_value", format!("invalid $count `{text}`: expected true or false"));
    text.parse().map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SyntaxLimits = SyntaxLimits { depth: 8, nodes: 100 };

    #[test]
    fn options_are_read_once() {
        let options = Options::parse(
            Some("%24filter=a%20eq%20%27x%20y%27&$top=5&$skip=2&$count=true&$select=a,b&$orderby=b+desc"),
            LIMITS,
        )
        .unwrap();
        assert!(options.filter.is_some() && options.count);
        assert_eq!((options.top, options.skip), (Some(5), 2));
        let position = FeedPosition { version: 1, ..FeedPosition::default() };
        let next = next_query(&options.kept(), &position);
        let expected = "$filter=a%20eq%20%27x%20y%27&$orderby=b%20desc&$select=a%2Cb&$skiptoken=";
        assert!(next.starts_with(expected), "{next}");
        let again = Options::parse(Some(&next), LIMITS).unwrap();
        assert_eq!((again.top, again.skip, again.count), (None, 0, false));
        assert_eq!(again.position, Some(position));
        assert_eq!(again.filter, options.filter);
    }

    #[test]
    fn other_options_are_refused() {
        for (query, code) in [
            ("$expand=a", "unsupported_option"),
            ("filter=a", "unknown_parameter"),
            ("$top=1&$top=2", "bad_parameter"),
            ("$top=-1", "bad_value"),
            ("$count=yes", "bad_value"),
            ("$filter=a eq", "bad_filter"),
            ("$format=atom", "not_acceptable"),
            ("$skiptoken=x", "bad_skiptoken"),
        ] {
            assert_eq!(Options::parse(Some(query), LIMITS).unwrap_err().code, code, "{query}");
        }
    }
}
