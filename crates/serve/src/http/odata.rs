//! OData 4.0 over the tables of gold and silver, for Excel, Power BI and other clients.
//!
//! *In*: requests below `/odata/v4`.
//! *Out*: the service document, `$metadata`, and pages of rows.
//! *Promise*: the same rows, limits and audit as the tables of the HTTP interface. All pages of a feed are
//! from the version of the table that its first page is from; when this version is no longer stored, the
//! answer is 410. `$filter` and `$apply` are parsed to trees and compiled to typed expressions.

mod compile;
mod edm;
mod entity;
mod metadata;
mod options;
mod page;
mod plan;
mod position;
mod request;
mod rows;
mod run;
mod syntax;

use super::Service;
use super::authorization::Caller;
use super::concurrency::Deadline;
use super::error::Error;
use super::format::Format;
use super::receipt::{Receipt, Subject};
use super::tables::{hidden, unchanged};
use super::visibility::{Extent, Visibility};
use crate::TableInfo;
use access::Action;
use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use options::Options;
use page::{Around, Delivery};
use request::Wanted;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use syntax::SyntaxLimits;

const VERSION: HeaderName = HeaderName::from_static("odata-version");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

type ServiceState = State<Arc<Service>>;
type CallerOf = Extension<Arc<Caller>>;
type SetName = Result<Path<String>, PathRejection>;

/// Adds the version of the protocol to every response below `/odata/v4`, refusals included.
pub async fn with_version(mut response: Response) -> Response {
    response.headers_mut().insert(VERSION, HeaderValue::from_static("4.0"));
    response
}

/// `GET /odata/v4/`: the entity sets.
pub async fn service_document(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let wanted = Wanted::new(&headers, &caller);
    let sets = visible_sets(&service, &visibility).await?;
    let sets: Vec<_> = sets
        .iter()
        .map(|info| {
            let name = edm::set_name(&info.schema, &info.table);
            json!({ "name": name, "kind": "EntitySet", "url": name })
        })
        .collect();
    let context = format!("{}$metadata", wanted.base);
    let text = json!({ "@odata.context": context, "value": sets }).to_string();
    respond(page::packed(text, wanted.is_gzip)?.into(), &wanted, wanted.content_type())
}

/// `GET /odata/v4/$metadata`: the model of the entity sets, as XML for every `Accept`.
pub async fn metadata(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let wanted = Wanted::new(&headers, &caller);
    let text = metadata::document(&visible_sets(&service, &visibility).await?);
    respond(page::packed(text, wanted.is_gzip)?.into(), &wanted, "application/xml")
}

/// `GET /odata/v4/{set}`: a page of an entity set; with a key in parentheses one entity.
pub async fn entities(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: SetName,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(path) = path.map_err(|rejection| Error::bad("bad_path", rejection.body_text()))?;
    let (name, key) = split_key(&path)?;
    let feed = Feed::open(&service, &caller, name, query.as_deref(), &headers).await?;
    match key {
        None => feed.page().await,
        Some(key) => feed.entity(key).await,
    }
}

/// `GET /odata/v4/{set}/$count`: the number of rows that meet the filter, as text.
pub async fn count(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: SetName,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(name) = path.map_err(|rejection| Error::bad("bad_path", rejection.body_text()))?;
    let feed = Feed::open(&service, &caller, &name, query.as_deref(), &headers).await?;
    feed.count().await
}

/// The name of a set, and the key in parentheses behind it.
fn split_key(path: &str) -> Result<(&str, Option<&str>), Error> {
    let Some((name, rest)) = path.split_once('(') else { return Ok((path, None)) };
    let key = rest.strip_suffix(')');
    let key =
        key.ok_or_else(|| Error::bad("bad_path", "the closing parenthesis of the key is missing"));
    Ok((name, Some(key?)))
}

async fn visible_sets(service: &Service, visibility: &Visibility) -> Result<Vec<TableInfo>, Error> {
    let mut tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    tables.retain(|info| edm::is_set(info) && visibility.of_table(info) != Extent::Nothing);
    Ok(tables)
}

async fn find_set(
    service: &Service,
    visibility: &Visibility,
    name: &str,
) -> Result<TableInfo, Error> {
    let tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    if let Some(info) = edm::find_set(&tables, name) {
        return match visibility.of_table(info) {
            Extent::Nothing => Err(hidden(info)),
            Extent::Rows | Extent::Everything => Ok(info.clone()),
        };
    }
    let shown = tables.iter().filter(|it| visibility.of_table(it) != Extent::Nothing);
    let shown = shown.filter(|it| edm::is_set(it)).map(|it| edm::set_name(&it.schema, &it.table));
    let suggestion = super::names::suggest(name, &shown.collect::<Vec<_>>());
    let message = format!("unknown entity set {name}; {suggestion}");
    Err(Error::new(StatusCode::NOT_FOUND, "unknown_table", message))
}

fn respond(body: Body, wanted: &Wanted, content_type: &'static str) -> Result<Response, Error> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers
        .insert(header::VARY, HeaderValue::from_static("accept, accept-encoding, authorization"));
    if wanted.is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// A request for rows of an entity set.
struct Feed<'a> {
    service: &'a Arc<Service>,
    caller: &'a Caller,
    visibility: Visibility,
    info: TableInfo,
    set: String,
    options: Options,
    wanted: Wanted,
    headers: &'a HeaderMap,
    query: Option<&'a str>,
    /// Version of the table that the rows are from; `None` if the table has no versions.
    version: Option<u64>,
}

impl<'a> Feed<'a> {
    async fn open(
        service: &'a Arc<Service>,
        caller: &'a Caller,
        set: &str,
        query: Option<&'a str>,
        headers: &'a HeaderMap,
    ) -> Result<Self, Error> {
        let visibility = Visibility::of_caller(service, caller, &[Action::ReadTables])?;
        let info = find_set(service, &visibility, set).await?;
        let limits = &service.limits;
        let syntax = SyntaxLimits { depth: limits.filter_depth, nodes: limits.filter_nodes };
        let options = Options::parse(query, syntax)?;
        let version = match &options.position {
            Some(position) => Some(position.version),
            None => {
                let newest = service.lake.version(&info.schema, &info.table).await;
                newest.map_err(Error::from_lower_layer)?
            }
        };
        let (set, wanted) = (set.to_owned(), Wanted::new(headers, caller));
        Ok(Self {
            service,
            caller,
            visibility,
            info,
            set,
            options,
            wanted,
            headers,
            query,
            version,
        })
    }

    /// The visible rows of the table at the version of the feed.
    async fn frame(&self) -> Result<DataFrame, Error> {
        let (schema, table) = (&self.info.schema[..], &self.info.table[..]);
        let lake = &self.service.lake;
        let session = lake.session().await.map_err(Error::from_lower_layer)?;
        let provider = match self.version {
            None => session.table_provider(TableReference::partial(schema, table)).await?,
            Some(version) => {
                let found = lake.table_at(schema, table, version).await;
                let found = found.map_err(Error::from_lower_layer)?;
                found.ok_or_else(|| expired(&self.info, version))?
            }
        };
        let visible = self.visibility.table(schema, table, provider);
        Ok(session.read_table(visible.ok_or_else(|| hidden(&self.info))?)?)
    }

    fn receipt(&self) -> Result<Receipt, Error> {
        let description = format!("odata {} {}", self.info.name(), self.options.description());
        Receipt::new(self.service, self.caller, Subject::Query(description), Format::Json)
    }

    /// The validator of a page; `None` if the table has no versions.
    fn tag(&self) -> Option<HeaderValue> {
        let Wanted { base, is_gzip, is_bare, page_rows, style } = &self.wanted;
        let request =
            format!("{:?} {base} {is_gzip} {is_bare} {page_rows:?} {style:?}", self.query);
        let of = (Some(&request[..]), &self.visibility);
        let tag = self.service.tag(self.version?, &self.info, of, Format::Json);
        HeaderValue::try_from(tag).ok()
    }

    async fn page(&self) -> Result<Response, Error> {
        let tag = self.tag();
        if let Some(tag) = tag.as_ref().filter(|tag| unchanged(self.headers, tag)) {
            let headers = [(header::ETAG, tag.clone())];
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        let limits = &self.service.limits;
        let receipt = self.receipt()?;
        let permit = self.service.reads.take(limits).await?;
        let mut deadline = Deadline::after(limits.answer_time);
        let page_rows = self.wanted.page_rows.unwrap_or(u64::MAX).min(limits.odata_page_rows);
        let frame = deadline.within(Box::pin(self.frame())).await??;
        let version = self.version.unwrap_or_default();
        let plan = plan::plan(frame, &self.info, &self.options, (version, page_rows), limits)?;
        let compute = self.service.compute.clone();
        let is_counted = self.options.count && self.options.position.is_none();
        let count = match is_counted {
            true => Some(deadline.within(compute.count(plan.filtered.clone())).await??),
            false => None,
        };
        let frame = self.around(&plan, count);
        let (is_gzip, style) = (self.wanted.is_gzip, self.wanted.style);
        let delivery = Delivery { compute, deadline, permit, receipt, is_gzip, style };
        let body = page::open(plan, frame, delivery).await?;
        let mut response = respond(body, &self.wanted, self.wanted.content_type())?;
        self.add_headers(response.headers_mut(), tag);
        Ok(response)
    }

    fn add_headers(&self, headers: &mut HeaderMap, tag: Option<HeaderValue>) {
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
        let applied = self.wanted.page_rows.map(|rows| format!("odata.maxpagesize={rows}"));
        if let Some(Ok(applied)) = applied.map(HeaderValue::try_from) {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
    }

    /// The text around the rows of a page.
    fn around(&self, plan: &plan::Plan, count: Option<usize>) -> Around {
        let mut head = String::from("{");
        if !self.wanted.is_bare {
            // Writing to a text cannot fail.
            write!(head, "\"@odata.context\":{},", json!(self.context(plan))).unwrap_or_default();
        }
        if let Some(count) = count {
            write!(head, "\"@odata.count\":{count},").unwrap_or_default();
        }
        head.push_str("\"value\":[");
        let address = format!("{}{}?", self.wanted.base, self.set);
        let query = self.options.kept();
        let next = move |position: &position::FeedPosition| {
            format!("{address}{}", options::next_query(&query, position))
        };
        Around { head, next: Box::new(next) }
    }

    /// `…/$metadata#set(a,b)`
    fn context(&self, plan: &plan::Plan) -> String {
        let names: Vec<&str> = plan.shown.iter().map(|it| it.name.as_str()).collect();
        let shown =
            if plan.is_projected { format!("({})", names.join(",")) } else { String::new() };
        format!("{}$metadata#{}{shown}", self.wanted.base, self.set)
    }

    async fn count(&self) -> Result<Response, Error> {
        let limits = &self.service.limits;
        let mut receipt = self.receipt()?;
        let _permit = self.service.reads.take(limits).await?;
        let mut deadline = Deadline::after(limits.answer_time);
        let counted = async {
            let rows = plan::count(self.frame().await?, &self.info, &self.options)?;
            Ok::<_, Error>(rows.count().await?)
        };
        let count = deadline.within(Box::pin(counted)).await??;
        receipt.rows = 1;
        receipt.close()?;
        let body = page::packed(count.to_string(), self.wanted.is_gzip)?;
        respond(body.into(), &self.wanted, "text/plain; charset=utf-8")
    }

    async fn entity(&self, key: &str) -> Result<Response, Error> {
        let limits = &self.service.limits;
        let mut receipt = self.receipt()?;
        let _permit = self.service.reads.take(limits).await?;
        let mut deadline = Deadline::after(limits.answer_time);
        let found = entity::find(self.frame(), &self.info, key, &self.options, limits);
        let (shown, batches) = deadline.within(Box::pin(found)).await??;
        let row = entity::text(&shown, &batches, self.wanted.style)?.ok_or_else(|| {
            let message = format!("{} has no entity with this key", self.set);
            Error::new(StatusCode::NOT_FOUND, "unknown_entity", message)
        })?;
        receipt.rows = 1;
        receipt.close()?;
        let context = json!(format!("{}$metadata#{}/$entity", self.wanted.base, self.set));
        let text = match self.wanted.is_bare {
            true => row,
            false => format!("{{\"@odata.context\":{context},{}", row.trim_start_matches('{')),
        };
        respond(
            page::packed(text, self.wanted.is_gzip)?.into(),
            &self.wanted,
            self.wanted.content_type(),
        )
    }
}

fn expired(info: &TableInfo, version: u64) -> Error {
    let message = format!(
        "version {version} of {} is no longer stored: request the feed from its beginning",
        info.name()
    );
    Error::new(StatusCode::GONE, "version_expired", message)
}
