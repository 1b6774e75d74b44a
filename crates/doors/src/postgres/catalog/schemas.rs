//! The catalog of a session: the schemas of the lake, `pg_catalog` and `information_schema`.

use super::objects::{self, Objects};
use super::{Statics, information};
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::error::Result;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::catalog_info::CatalogInfo;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    PG_CATALOG_TABLES, PgCatalogSchemaProvider,
};
use std::sync::Arc;

pub const PG_CATALOG: &str = "pg_catalog";
pub const INFORMATION_SCHEMA: &str = "information_schema";

/// A function of PostgreSQL that returns a table; statements refer to it as a table.
const KEYWORDS: &str = "pg_get_keywords";

/// What both schemas read.
#[derive(Debug)]
struct Source {
    statics: Arc<Statics>,
    objects: Arc<Objects>,
}

/// The catalog.
#[derive(Debug)]
pub struct Catalog {
    inner: Arc<dyn CatalogProvider>,
    source: Arc<Source>,
}

impl Catalog {
    /// The catalog `inner` with the schemas of PostgreSQL.
    pub fn new(
        inner: Arc<dyn CatalogProvider>,
        statics: Arc<Statics>,
        objects: Arc<Objects>,
    ) -> Self {
        Self { inner, source: Arc::new(Source { statics, objects }) }
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        let own = [PG_CATALOG, INFORMATION_SCHEMA].map(str::to_owned);
        self.inner.schema_names().into_iter().chain(own).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let source = Arc::clone(&self.source);
        match name {
            PG_CATALOG => Some(Arc::new(PgCatalog(source))),
            INFORMATION_SCHEMA => Some(Arc::new(InformationSchema(source))),
            _ => self.inner.schema(name),
        }
    }
}

#[derive(Debug)]
struct PgCatalog(Arc<Source>);

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        let own = objects::TABLES.iter().map(|name| (*name).to_owned());
        let others = PG_CATALOG_TABLES.iter().filter(|it| !objects::TABLES.contains(it));
        own.chain(others.map(|name| (*name).to_owned())).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if objects::TABLES.contains(&name) {
            return objects::table(&self.0.objects, name).map(Some);
        }
        if name == KEYWORDS {
            let keywords = self.0.statics.tables.pg_get_keywords.try_into_memtable()?;
            return Ok(Some(keywords));
        }
        static_table(&self.0.statics, name)
    }

    fn table_exist(&self, name: &str) -> bool {
        objects::TABLES.contains(&name) || PG_CATALOG_TABLES.contains(&name) || name == KEYWORDS
    }
}

/// A table that is the same for everybody.
fn static_table(statics: &Statics, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let nothing: Arc<dyn CatalogProviderList> = Arc::new(MemoryCatalogProviderList::new());
    let tables = Arc::new(statics.tables.clone());
    let schema = PgCatalogSchemaProvider::try_new(nothing, tables, EmptyContextProvider)?;
    provider(&schema, name)
}

fn provider<C: CatalogInfo>(
    schema: &PgCatalogSchemaProvider<C, EmptyContextProvider>,
    name: &str,
) -> Result<Option<Arc<dyn TableProvider>>> {
    let Some(table) = schema.build_table_by_name(name)? else { return Ok(None) };
    table.try_into_table_provider().map(Some)
}

#[derive(Debug)]
struct InformationSchema(Arc<Source>);

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        information::TABLES.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !self.table_exist(name) {
            return Ok(None);
        }
        information::table(&self.0.objects, name).map(Some)
    }

    fn table_exist(&self, name: &str) -> bool {
        information::TABLES.contains(&name)
    }
}
