//! `cockpit connect`: the addresses of the configured service, with a snippet for each way to read from it.

use super::print;
use config::Config;
use config::serve::Listen;
use config::settings::Origin;

/// The name of the database, as the PostgreSQL protocol has it.
const DATABASE: &str = doors::postgres::DATABASE;

/// Prints how other programs connect.
pub fn run(config: &Config) {
    print::line(&text(config));
}

fn text(config: &Config) -> String {
    let is_secure = config.endpoint.tls.is_some();
    let host = |listen: &Listen| host(config, listen);
    let base = base(config);
    let mut parts = vec![http(&base), odata(&base), sharing(&base)];
    parts.push(match &config.doors.postgres {
        Some((listen, _)) => postgres(&host(listen), listen.port, is_secure),
        None => off("PostgreSQL", "postgres_listen", "0.0.0.0:5432"),
    });
    parts.push(match &config.doors.flight {
        Some((listen, _)) => flight(&host(listen), listen.port, is_secure),
        None => off("Arrow Flight SQL", "flight_listen", "0.0.0.0:31337"),
    });
    parts.push(
        "TOKEN is an API token: make one on the page of your account. SQL needs the permissions run_sql and \
         download, OData read_tables, Delta Sharing read_tables and download.\nSteps for each program: docs/connect"
            .to_owned(),
    );
    parts.join("\n\n")
}

/// The name under which clients reach an address.
fn host(config: &Config, listen: &Listen) -> String {
    let is_any = ["0.0.0.0", "::"].contains(&listen.host.as_str());
    let named = config.endpoint.public_host().or(config.hosts.0.first().map(String::as_str));
    match named.filter(|_| is_any) {
        Some(name) => name.to_owned(),
        None if is_any => "localhost".to_owned(),
        None => listen.host.clone(),
    }
}

/// The address of the HTTP interface, with a slash at its end.
fn base(config: &Config) -> String {
    let (listen, _): &(Listen, Origin) = &config.listen;
    let scheme = if config.endpoint.tls.is_some() { "https" } else { "http" };
    let base = match &config.endpoint.public_url {
        Some((url, _)) => url.to_string(),
        None => format!("{scheme}://{}:{}", host(config, listen), listen.port),
    };
    format!("{}/", base.trim_end_matches('/'))
}

fn http(base: &str) -> String {
    format!(
        "HTTP: {base}\n  curl -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"sql\": \"SELECT * FROM gold.production_daily\"}}' '{base}api/v1/query?format=csv'"
    )
}

fn odata(base: &str) -> String {
    format!(
        "OData (Excel, Power BI): {base}odata/v4/\n  \
         files that open it in Excel (.odc) and in Power BI (.pbids): {base}data, Connect\n  \
         curl -u token:TOKEN '{base}odata/v4/gold_production_daily?$top=10'"
    )
}

fn sharing(base: &str) -> String {
    format!(
        "Delta Sharing (Databricks, Spark, pandas): {base}sharing\n  \
         echo '{{\"shareCredentialsVersion\": 1, \"endpoint\": \"{base}sharing\", \"bearerToken\": \"TOKEN\"}}' > plant.share\n  \
         import delta_sharing\n  \
         delta_sharing.load_as_pandas(\"plant.share#gold.gold.production_daily\")"
    )
}

fn postgres(host: &str, port: u16, is_secure: bool) -> String {
    let mode = if is_secure { "require" } else { "disable" };
    let fields = format!("host={host} port={port} dbname={DATABASE} user=token sslmode={mode}");
    let url = format!("{host}:{port}/{DATABASE}?sslmode={mode}");
    format!(
        "PostgreSQL: {host}:{port}, database {DATABASE}\n  \
         PGPASSWORD=TOKEN psql '{fields}'\n  \
         Power BI, DBeaver, Grafana: server {host}:{port}, database {DATABASE}, user token, password TOKEN\n  \
         SQLAlchemy: postgresql+psycopg://token:TOKEN@{url}\n  \
         JDBC: jdbc:postgresql://{url}\n  \
         ODBC: Driver={{PostgreSQL Unicode}};Server={host};Port={port};Database={DATABASE};Uid=token;Pwd=TOKEN;\
         SSLmode={mode}"
    )
}

fn flight(host: &str, port: u16, is_secure: bool) -> String {
    let scheme = if is_secure { "grpc+tls" } else { "grpc+tcp" };
    format!(
        "Arrow Flight SQL: {scheme}://{host}:{port}\n  \
         import adbc_driver_flightsql.dbapi as flight\n  \
         options = {{\"adbc.flight.sql.authorization_header\": \"Bearer TOKEN\"}}\n  \
         flight.connect(\"{scheme}://{host}:{port}\", db_kwargs=options)"
    )
}

fn off(protocol: &str, key: &str, example: &str) -> String {
    format!("{protocol}: off; it is turned on by {key} = \"{example}\" in [serve] of plant.toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Flags;

    #[test]
    fn each_way_has_its_address_or_how_to_turn_it_on() {
        let flags = Flags { postgres_listen: Some("127.0.0.1:6000".into()), ..Flags::default() };
        let text = text(&config::load(&flags).unwrap());
        for part in [
            "HTTP: http://127.0.0.1:8080/",
            "OData (Excel, Power BI): http://127.0.0.1:8080/odata/v4/\n",
            "\"endpoint\": \"http://127.0.0.1:8080/sharing\"",
            "port=6000 dbname=lake user=token sslmode=disable",
            "jdbc:postgresql://127.0.0.1:6000/lake",
            "Arrow Flight SQL: off; it is turned on by flight_listen",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
