//! The parameters of a table request, from the query of its address.

use super::error::Error;
use super::filter::{split, unescape};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// A parsed request for a table. Names are not checked against the table yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Columns to show, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Column and condition; all of them hold.
    pub filters: Vec<(String, String)>,
    pub order: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
    /// Whether equal rows are shown once.
    pub distinct: Option<bool>,
    pub parameters: BTreeMap<String, String>,
    pub format: Option<String>,
}

/// One column to sort by; nulls are last in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub column: String,
    pub descending: bool,
}

impl PageRequest {
    /// Reads `query`, the part of the address after the question mark. An unknown name is an error.
    pub fn parse(query: Option<&str>) -> Result<Self, Error> {
        let mut request = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            request.take(&name, value.into_owned())?;
        }
        Ok(request)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), Error> {
        if let Some(column) = name.strip_prefix("filter.") {
            self.filters.push((column.to_owned(), value));
            return Ok(());
        }
        if let Some(parameter) = name.strip_prefix("parameter.") {
            let before = self.parameters.insert(parameter.to_owned(), value);
            return before.map_or(Ok(()), |_| Err(twice(name)));
        }
        let again = match name {
            "columns" => self.columns.replace(names(&value)).is_some(),
            "order" => !std::mem::replace(&mut self.order, orders(&value)).is_empty(),
            "limit" => self.limit.replace(count(name, &value)?).is_some(),
            "offset" => self.offset.replace(count(name, &value)?).is_some(),
            "distinct" => self.distinct.replace(flag(name, &value)?).is_some(),
            "format" => self.format.replace(value).is_some(),
            _ => return Err(unknown(name)),
        };
        if again { Err(twice(name)) } else { Ok(()) }
    }
}

fn names(list: &str) -> Vec<String> {
    split(list, ",").iter().map(|name| unescape(name)).collect()
}

fn orders(list: &str) -> Vec<Order> {
    let order = |part: &String| {
        let (column, descending) = part.strip_prefix('-').map_or((&part[..], false), |c| (c, true));
        Order { column: unescape(column), descending }
    };
    split(list, ",").iter().map(order).collect()
}

fn count(name: &str, value: &str) -> Result<u64, Error> {
    let bad =
        |_| Error::bad("bad_value", format!("invalid {name} `{value}`: expected a number of rows"));
    value.parse().map_err(bad)
}

fn flag(name: &str, value: &str) -> Result<bool, Error> {
    let bad =
        |_| Error::bad("bad_value", format!("invalid {name} `{value}`: expected true or false"));
    value.parse().map_err(bad)
}

fn twice(name: &str) -> Error {
    Error::bad("bad_parameter", format!("{name} is given twice"))
}

fn unknown(name: &str) -> Error {
    let message = format!(
        "unknown parameter {name}: expected one of columns, filter.<column>, order, limit, offset, \
         distinct, parameter.<name>, format"
    );
    Error::bad("unknown_parameter", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_a_request() {
        let query = "columns=a,b%20c&filter.x=1..2&filter.x=!null&order=-b+c,a&limit=5&offset=10\
                     &parameter.as_of=2023-01-01&format=csv";
        let request = PageRequest::parse(Some(query)).unwrap();
        let expected = PageRequest {
            columns: Some(vec!["a".into(), "b c".into()]),
            filters: vec![("x".into(), "1..2".into()), ("x".into(), "!null".into())],
            order: vec![
                Order { column: "b c".into(), descending: true },
                Order { column: "a".into(), descending: false },
            ],
            limit: Some(5),
            offset: Some(10),
            distinct: None,
            parameters: BTreeMap::from([("as_of".into(), "2023-01-01".into())]),
            format: Some("csv".into()),
        };
        assert_eq!(request, expected);
        assert_eq!(PageRequest::parse(None).unwrap(), PageRequest::default());
    }

    #[test]
    fn invalid_parameters_are_refused() {
        for (query, code) in [
            ("limt=5", "unknown_parameter"),
            ("limit=-1", "bad_value"),
            ("offset=many", "bad_value"),
            ("limit=1&limit=2", "bad_parameter"),
            ("order=a&order=b", "bad_parameter"),
            ("parameter.a=1&parameter.a=2", "bad_parameter"),
        ] {
            let refused = PageRequest::parse(Some(query)).unwrap_err();
            assert_eq!(refused.code, code, "{query}");
        }
    }
}
