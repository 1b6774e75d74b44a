//! A catalog in which only visible tables exist.

use super::{Extent, Visibility};
use crate::TableInfo;
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names of the visible tables, as schema and table.
type Visible = BTreeSet<(String, String)>;

/// Hides what is not visible from the catalogs of a session. `tables` are all tables; one that is not
/// among them is hidden.
pub fn restrict(session: &SessionContext, visibility: &Visibility, tables: &[TableInfo]) {
    let visible = tables.iter().filter(|info| visibility.of_table(info) != Extent::Nothing);
    let visible: Visible = visible.map(|info| (info.schema.clone(), info.table.clone())).collect();
    let visible = Arc::new(visible);
    for name in session.catalog_names() {
        let Some(inner) = session.catalog(&name) else { continue };
        let (visibility, visible) = (visibility.clone(), Arc::clone(&visible));
        session.register_catalog(name, Arc::new(Catalog { inner, visibility, visible }));
    }
}

#[derive(Debug)]
struct Catalog {
    inner: Arc<dyn CatalogProvider>,
    visibility: Visibility,
    visible: Arc<Visible>,
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        self.inner.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(VisibleSchema {
            inner: self.inner.schema(name)?,
            name: name.to_owned(),
            visibility: self.visibility.clone(),
            visible: Arc::clone(&self.visible),
        }))
    }
}

#[derive(Debug)]
struct VisibleSchema {
    inner: Arc<dyn SchemaProvider>,
    name: String,
    visibility: Visibility,
    visible: Arc<Visible>,
}

#[async_trait]
impl SchemaProvider for VisibleSchema {
    fn table_names(&self) -> Vec<String> {
        let names = self.inner.table_names().into_iter();
        names.filter(|table| self.table_exist(table)).collect()
    }

    async fn table(&self, table: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if !self.table_exist(table) {
            return Ok(None);
        }
        let Some(provider) = self.inner.table(table).await? else { return Ok(None) };
        Ok(self.visibility.table(&self.name, table, provider))
    }

    fn table_exist(&self, table: &str) -> bool {
        let is_visible = self.visible.contains(&(self.name.clone(), table.to_owned()));
        is_visible && self.inner.table_exist(table)
    }
}
