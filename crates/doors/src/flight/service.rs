//! The calls of Flight SQL.

use super::answers::{batch, info, status, unwritable};
use super::handle::Handle;
use super::prepared::{read_only, statement};
use super::{authorization, keys};
use anyhow::Context as _;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetDbSchemas,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementQuery,
    CommandStatementUpdate, DoPutPreparedStatementResult, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse, Ticket,
};
use config::settings::Limits;
use futures::Stream;
use serve::http::{Service, SqlClient};
use std::pin::Pin;
use std::sync::Arc;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

const CATALOG: &str = lake::session::CATALOG;
const TABLE: &str = "TABLE";

type Info = Result<Response<FlightInfo>, Status>;
type Handshake = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;

/// The service.
pub struct Flight {
    service: Arc<Service>,
    pub(super) limits: Arc<Limits>,
    about: SqlInfoData,
}

impl Flight {
    /// The service over the read path of `service`.
    ///
    /// # Errors
    /// The description of the server cannot be encoded.
    pub fn new(service: Arc<Service>, limits: Arc<Limits>) -> anyhow::Result<Self> {
        let mut about = SqlInfoDataBuilder::new();
        about.append(SqlInfo::FlightSqlServerName, "Plant Cockpit");
        about.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
        about.append(SqlInfo::FlightSqlServerArrowVersion, "1.3");
        about.append(SqlInfo::FlightSqlServerReadOnly, true);
        about.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
        let about = about.build().context("describe the server")?;
        Ok(Self { service, limits, about })
    }

    fn client<T>(&self, request: &Request<T>) -> Result<SqlClient, Status> {
        authorization::client(&self.service, request.metadata(), request.extensions())
    }
}

#[tonic::async_trait]
impl FlightSqlService for Flight {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Handshake>, Status> {
        let (metadata, extensions) = (request.metadata(), request.extensions());
        let token = authorization::log_in(&self.service, metadata, extensions).await?;
        let token = token.map(|it| format!("Bearer {}", it.expose())).unwrap_or_default();
        let answer = HandshakeResponse { protocol_version: 0, payload: token.clone().into() };
        let mut response: Response<Handshake> =
            Response::new(Box::pin(futures::stream::iter([Ok(answer)])));
        if let Ok(value) = MetadataValue::try_from(token) {
            response.metadata_mut().insert("authorization", value);
        }
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let client = self.client(&request)?;
        let schema = self.columns(&client, &Handle::new(query.query.clone())).await?;
        let ticket = TicketStatementQuery { statement_handle: query.query.into() };
        info(&ticket, &schema, request.into_inner())
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let client = self.client(&request)?;
        self.run(&client, &statement(ticket.statement_handle)?).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let client = self.client(&request)?;
        self.prepare(&client, query.query).await
    }

    async fn do_action_close_prepared_statement(
        &self,
        _query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        self.client(&request).map(drop)
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let client = self.client(&request)?;
        let handle = statement(query.prepared_statement_handle.clone())?;
        let schema = self.columns(&client, &handle).await?;
        info(&query, &schema, request.into_inner())
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let client = self.client(&request)?;
        self.run(&client, &statement(query.prepared_statement_handle)?).await
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let client = self.client(&request)?;
        let handle = statement(query.prepared_statement_handle)?;
        let bound = self.bind(&client, handle, request.into_inner()).await?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(bound.write()) })
    }

    async fn do_put_prepared_statement_update(
        &self,
        _query: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.client(&request)?;
        Err(read_only())
    }

    async fn do_put_statement_update(
        &self,
        _query: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.client(&request)?;
        Err(read_only())
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.client(&request)?;
        info(&query, &query.into_builder().schema(), request.into_inner())
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.client(&request)?;
        let mut builder = query.into_builder();
        builder.append(CATALOG);
        Ok(batch(builder.build()?))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.client(&request)?;
        info(&query, &query.clone().into_builder().schema(), request.into_inner())
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.client(&request)?;
        let mut builder = query.into_builder();
        lake::session::SCHEMAS.iter().for_each(|schema| builder.append(CATALOG, schema));
        Ok(batch(builder.build()?))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.client(&request)?;
        info(&query, &query.clone().into_builder().schema(), request.into_inner())
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let client = self.client(&request)?;
        let session = client.session().await.map_err(status)?;
        let tables = client.tables().await.map_err(status)?;
        let include_schema = query.include_schema;
        let mut builder = query.into_builder();
        for table in tables {
            let mut schema = Arc::new(arrow::datatypes::Schema::empty());
            if include_schema {
                let name = (table.schema.as_str(), table.table.as_str());
                let provider = session
                    .table_provider(datafusion::common::TableReference::partial(name.0, name.1));
                let provider = provider.await.map_err(|failed| status(failed.into()))?;
                schema = provider.schema();
            }
            builder.append(CATALOG, &table.schema, &table.table, TABLE, &schema)?;
        }
        Ok(batch(builder.build()?))
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.client(&request)?;
        info(&query, &query.into_builder().schema(), request.into_inner())
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.client(&request)?;
        let mut builder = query.into_builder();
        builder.append(TABLE);
        Ok(batch(builder.build()?))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.client(&request)?;
        let schema = query.clone().into_builder(&self.about).schema();
        info(&query, &schema, request.into_inner())
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.client(&request)?;
        Ok(batch(query.into_builder(&self.about).build()?))
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.client(&request)?;
        info(&query, &keys::schema(), request.into_inner())
    }

    async fn do_get_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let tables = self.client(&request)?.tables().await.map_err(status)?;
        Ok(batch(keys::primary_keys(&query, &tables).map_err(unwritable)?))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
