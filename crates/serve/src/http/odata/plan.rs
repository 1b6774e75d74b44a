//! Plans the rows of a page of an entity set.

use super::compile::{condition, find};
use super::edm::{Edm, Property, properties_of_schema, property_name};
use super::options::Options;
use super::position::{FeedPosition, SortColumn};
use super::syntax::apply::{Aggregate, Method, Step};
use crate::http::error::Error;
use crate::{Limits, TableInfo};
use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::count::count_all;
use datafusion::functions_aggregate::expr_fn::{avg, count_distinct, max, min, sum};
use datafusion::prelude::{Expr, ident};

/// The rows of a page.
pub struct Plan {
    /// Columns of the properties shown, then those of the order that are not shown; a row more than the page
    /// has, if there is one.
    pub rows: DataFrame,
    /// All rows that meet the filter, to count them.
    pub filtered: DataFrame,
    pub shown: Vec<Property>,
    /// Whether not all properties of the table are shown.
    pub is_projected: bool,
    /// Positions of the columns of the order in `rows`.
    pub order: Vec<usize>,
    /// Where the page begins.
    pub start: FeedPosition,
    /// Rows of the page at most.
    pub page_rows: u64,
    /// Rows that `$top` leaves for this page and those behind it.
    pub top: Option<u64>,
}

/// Rows and what they consist of, between two steps.
struct Rows {
    frame: DataFrame,
    properties: Vec<Property>,
    /// Columns that identify a row; `None` if none are known.
    unique: Option<Vec<String>>,
}

/// The rows of `frame`, the visible rows of the table at `version`, that `options` select.
pub fn plan(
    frame: DataFrame,
    info: &TableInfo,
    options: &Options,
    (version, page_rows): (u64, u64),
    limits: &Limits,
) -> Result<Plan, Error> {
    let mut rows = filtered(frame, info, options)?;
    let shown = shown(&rows, options)?;
    let order = order(&rows, options)?;
    let types = types(&rows.frame, &order)?;
    let start = start(options, version, limits)?;
    let top = if options.position.is_some() { start.top } else { options.top };
    let page_rows = page_rows.min(top.unwrap_or(u64::MAX));
    let filtered = rows.frame.clone();
    if !start.values.is_empty() {
        rows.frame = rows.frame.filter(start.condition(&order, &types)?)?;
    }
    if !order.is_empty() {
        rows.frame = rows.frame.sort(order.iter().map(SortColumn::expr).collect())?;
    }
    // A row more shows whether there is a next page.
    let fetched = page_rows.saturating_add(u64::from(top.is_none_or(|top| top > page_rows)));
    rows.frame = rows.frame.limit(size(start.equal_rows), Some(size(fetched)))?;
    let columns = columns(&shown, &order);
    let position = |sort: &SortColumn| columns.iter().position(|it| *it == sort.column);
    Ok(Plan {
        order: order.iter().filter_map(position).collect(),
        rows: rows.frame.select(columns.iter().map(ident).collect::<Vec<_>>())?,
        filtered,
        is_projected: options.select.is_some() || !options.apply.is_empty(),
        shown,
        start,
        page_rows,
        top,
    })
}

/// All rows of `frame` that the filters of `options` select.
pub fn count(frame: DataFrame, info: &TableInfo, options: &Options) -> Result<DataFrame, Error> {
    Ok(filtered(frame, info, options)?.frame)
}

fn size(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

fn filtered(frame: DataFrame, info: &TableInfo, options: &Options) -> Result<Rows, Error> {
    let properties = properties_of_schema(frame.schema().as_arrow());
    let has_key = !info.key.is_empty()
        && info.key.iter().all(|key| properties.iter().any(|it| it.column == *key));
    let unique = has_key.then(|| info.key.clone());
    let mut rows = Rows { frame, properties, unique };
    for step in &options.apply {
        rows = match step {
            Step::Filter(node) => {
                let condition = condition(node, &rows.properties)?;
                Rows { frame: rows.frame.filter(condition)?, ..rows }
            }
            Step::Group { properties, aggregates } => grouped(rows, properties, aggregates)?,
        };
    }
    if let Some(filter) = &options.filter {
        let condition = condition(filter, &rows.properties)?;
        rows.frame = rows.frame.filter(condition)?;
    }
    Ok(rows)
}

fn grouped(rows: Rows, by: &[String], aggregates: &[Aggregate]) -> Result<Rows, Error> {
    let found = by.iter().map(|name| find(&rows.properties, name));
    let columns: Vec<String> =
        found.map(|it| it.map(|it| it.column.clone())).collect::<Result<_, _>>()?;
    let mut names: Vec<&str> = by.iter().map(String::as_str).collect();
    names.extend(aggregates.iter().map(|it| it.alias.as_str()));
    check_names(&names)?;
    let groups = columns.iter().map(ident).collect::<Vec<_>>();
    let values = aggregates.iter().map(|it| aggregate(it, &rows.properties));
    let frame = rows.frame.aggregate(groups, values.collect::<Result<_, _>>()?)?;
    let properties = properties_of_schema(frame.schema().as_arrow());
    Ok(Rows { frame, properties, unique: Some(columns) })
}

fn check_names(names: &[&str]) -> Result<(), Error> {
    for (position, name) in names.iter().enumerate() {
        if names[..position].contains(name) {
            return Err(Error::bad("bad_apply", format!("two properties are named {name}")));
        }
        if property_name(name) != *name {
            let message = format!("invalid name {name}: expected letters, digits and _");
            return Err(Error::bad("bad_apply", message));
        }
    }
    Ok(())
}

fn aggregate(aggregate: &Aggregate, properties: &[Property]) -> Result<Expr, Error> {
    let Some(name) = &aggregate.property else { return Ok(count_all().alias(&aggregate.alias)) };
    let property = find(properties, name)?;
    let column = ident(&property.column);
    let is_number = matches!(
        property.edm,
        Edm::SByte | Edm::Int16 | Edm::Int32 | Edm::Int64 | Edm::Single | Edm::Double
    ) || matches!(property.edm, Edm::Decimal { .. });
    if matches!(aggregate.method, Method::Sum | Method::Average) && !is_number {
        let message = format!("{name} is {}: expected a number to sum", property.edm.name());
        return Err(Error::bad("bad_apply", message));
    }
    let value = match aggregate.method {
        Method::Sum => sum(column),
        Method::Min => min(column),
        Method::Max => max(column),
        Method::Average => avg(column),
        Method::CountDistinct => count_distinct(column),
        Method::Count => count_all(),
    };
    Ok(value.alias(&aggregate.alias))
}

fn shown(rows: &Rows, options: &Options) -> Result<Vec<Property>, Error> {
    let Some(names) = &options.select else { return Ok(rows.properties.clone()) };
    let mut shown: Vec<Property> = Vec::new();
    for name in names {
        let property = find(&rows.properties, name)?;
        if !shown.contains(property) {
            shown.push(property.clone());
        }
    }
    Ok(shown)
}

/// The requested order, made total by the columns that identify a row, or by all columns.
fn order(rows: &Rows, options: &Options) -> Result<Vec<SortColumn>, Error> {
    let mut order: Vec<SortColumn> = Vec::new();
    for sort in &options.orderby {
        let column = find(&rows.properties, &sort.property)?.column.clone();
        if order.iter().all(|it| it.column != column) {
            order.push(SortColumn { column, is_descending: sort.is_descending });
        }
    }
    let all = || rows.properties.iter().map(|it| it.column.clone()).collect();
    for column in rows.unique.clone().unwrap_or_else(all) {
        if order.iter().all(|it| it.column != column) {
            order.push(SortColumn { column, is_descending: false });
        }
    }
    Ok(order)
}

fn types(frame: &DataFrame, order: &[SortColumn]) -> Result<Vec<DataType>, Error> {
    let schema = frame.schema().as_arrow();
    let of =
        |sort: &SortColumn| schema.field_with_name(&sort.column).map(|it| it.data_type().clone());
    let types = order.iter().map(of).collect::<Result<_, _>>();
    types.map_err(|error| Error::internal(error.into()))
}

/// Where the page begins: at the token, or behind the rows to skip.
fn start(options: &Options, version: u64, limits: &Limits) -> Result<FeedPosition, Error> {
    let first = || FeedPosition { version, equal_rows: options.skip, ..FeedPosition::default() };
    let start = options.position.clone().unwrap_or_else(first);
    if start.equal_rows > limits.offset_rows {
        let most = limits.offset_rows;
        let message = format!("invalid $skip: expected at most {most} rows; use $filter instead");
        return Err(Error::bad("offset_too_big", message));
    }
    Ok(start)
}

/// The columns of the properties shown, then those of the order that are not among them.
fn columns(shown: &[Property], order: &[SortColumn]) -> Vec<String> {
    let mut columns: Vec<String> = shown.iter().map(|it| it.column.clone()).collect();
    for sort in order {
        if !columns.contains(&sort.column) {
            columns.push(sort.column.clone());
        }
    }
    columns
}
