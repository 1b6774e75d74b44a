use super::lake::Lake;
use super::{TestClient, live, now, request};
use crate::Limits;
use crate::http::{AccessControl, AccessMode, Endpoint, Service, router, serve};
use axum::body::Body;
use axum::http::Method;
use cockpit_ui::Asset;
use serde_json::json;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A script and its Brotli stream: one meta-block that holds the text as it is.
const SCRIPT: &str = "let identity = 1";
const BROTLI: &[u8] = b"\x8b\x07\x80let identity = 1\x03";

pub const PAGES: &[Asset] = &[
    Asset {
        path: "assets/now-3f2a.js",
        mime: "text/javascript",
        etag: "a1",
        content: BROTLI,
        is_brotli: true,
    },
    Asset {
        path: "favicon.svg",
        mime: "image/svg+xml",
        etag: "b2",
        content: b"<svg/>",
        is_brotli: false,
    },
    Asset {
        path: "index.html",
        mime: "text/html",
        etag: "c3",
        content: b"<html>",
        is_brotli: false,
    },
];

#[tokio::test]
async fn every_response_has_its_headers() {
    let client = TestClient::new();
    for path in ["/api/v1/health", "/api/v1/tables/x/y", "/nothing.txt", "/api/v1/docs"] {
        let reply = client.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
    }
    let foreign = client.get_with("/api/v1/health", &[("host", "evil.example")]).await;
    assert_eq!(foreign.refusal(), (421, "unknown_host".into()));
    assert_eq!(foreign.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn health_and_tables_are_returned() {
    let client = TestClient::new();
    let health = client.get("/api/v1/health").await.json();
    assert_eq!((&health["state"], &health["plant"]), (&json!("running"), &json!("Kerala")));
    assert_eq!(health["last_run"]["rejected"], 1);
    let tables = client.get("/api/v1/tables").await.json();
    assert_eq!(
        tables["tables"][1]["columns"][2],
        json!({
            "name": "qty", "type": "decimal(28,3)", "unit": null, "description": null
        })
    );
}

#[tokio::test]
async fn counters_are_exported_to_prometheus() {
    let client = TestClient::new();
    let bytes = client.get("/api/v1/tables/gold/sample").await.body.len();
    client.get("/api/v1/tables/gold/nothing").await;
    let metrics = client.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let route = "route=\"/api/v1/tables/{schema}/{table}\"";
    for line in [
        "cockpit_build_info{version=\"0.1.0\",commit=\"abc\"} 1".to_owned(),
        format!("cockpit_http_requests_total{{{route},method=\"GET\",status=\"200\"}} 1"),
        format!("cockpit_http_requests_total{{{route},method=\"GET\",status=\"404\"}} 1"),
        format!("cockpit_http_request_duration_seconds_bucket{{{route},le=\"+Inf\"}} 2"),
        format!("cockpit_http_request_duration_seconds_count{{{route}}} 2"),
        "cockpit_ingest_last_run_rows{fate=\"rejected\"} 1".to_owned(),
        "cockpit_lake_table_rows{table=\"silver.board\"} 2500".to_owned(),
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line}\n{}", metrics.text());
    }
    let sent = format!("cockpit_http_response_bytes_total{{{route}}} ");
    let sent = metrics.text().lines().find_map(|line| line.strip_prefix(&sent)).unwrap();
    assert!(sent.parse::<usize>().unwrap() > bytes);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let client = TestClient::with_limits(Limits::default(), PAGES);
    let posted = client.send(request(Method::POST, "/api/v1/tables", &[], Body::empty())).await;
    assert_eq!(posted.refusal(), (405, "wrong_method".into()));
    let posted = client.send(request(Method::DELETE, "/now", &[], Body::empty())).await;
    assert_eq!(posted.status, 405);
    for path in ["/api/v1/nothing", "/api", "/nothing.js", "/assets/old-1.js"] {
        assert_eq!(client.get(path).await.refusal(), (404, "not_found".into()), "{path}");
    }
    let bare = TestClient::new().get("/").await;
    assert!(bare.text().contains("without its pages"), "{}", bare.text());
}

#[tokio::test]
async fn pages_are_served_compressed_and_cached() {
    let client = TestClient::with_limits(Limits::default(), PAGES);
    let script = "/assets/now-3f2a.js";
    let forever = "public, max-age=31536000, immutable";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(SCRIPT.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for (path, accepted, encoding, body, control) in [
        (script, "gzip, br", "br", BROTLI, forever),
        (script, "gzip", "gzip", &packed, forever),
        (script, "", "", SCRIPT.as_bytes(), forever),
        ("/favicon.svg", "br", "", b"<svg/>", "no-cache"),
        ("/", "br", "", b"<html>", "no-cache"),
        ("/now?shift=A", "br", "", b"<html>", "no-cache"),
        ("/why/gold/oee", "br", "", b"<html>", "no-cache"),
        ("/temps/Plant1.4.label_printer.manufact2", "br", "", b"<html>", "no-cache"),
    ] {
        let reply = client.get_with(path, &[("accept-encoding", accepted)]).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (200, body), "{path} {accepted}");
        assert_eq!(reply.header("content-encoding"), encoding, "{path} {accepted}");
        assert_eq!(reply.header("cache-control"), control, "{path} {accepted}");
        let tag = reply.header("etag").to_owned();
        let headers = [("accept-encoding", accepted), ("if-none-match", &tag)];
        let again = client.get_with(path, &headers).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path} {tag}");
        assert_eq!(again.header("etag"), tag, "{path}");
    }
    let tags =
        ["br", "gzip", ""].map(|accepted| {
            let headers = [("accept-encoding", accepted)];
            let client = &client;
            async move {
                client.get_with("/assets/now-3f2a.js", &headers).await.header("etag").to_owned()
            }
        });
    let tags = futures::future::join_all(tags).await;
    assert_eq!(tags, ["\"a1-br\"", "\"a1-gzip\"", "\"a1\""]);
}

/// A configured host is accepted besides those of the loopback interface.
#[tokio::test]
async fn a_configured_host_is_accepted_and_requests_are_counted() {
    let service = Service::new(
        Arc::new(Lake::new()),
        live(),
        Limits::default(),
        Arc::new(now),
        vec!["cockpit.plant".into()],
        AccessControl::without_users(AccessMode::Demo),
    );
    let client = TestClient::from_router(router(Arc::new(service), &[]));
    let reply = client.get_with("/api/v1/health", &[("host", "cockpit.plant:80")]).await;
    assert_eq!((reply.status.as_u16(), reply.header("x-content-type-options")), (200, "nosniff"));
    let foreign = client.get_with("/api/v1/health", &[("host", "evil.example")]).await;
    assert_eq!(foreign.refusal(), (421, "unknown_host".into()));
    let metrics = client.get("/metrics").await;
    let counted =
        "cockpit_http_requests_total{route=\"/api/v1/health\",method=\"GET\",status=\"200\"} 1\n";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

#[tokio::test]
async fn the_description_of_the_interface_is_served() {
    let client = TestClient::new();
    let described = client.get("/api/v1/openapi.json").await.json();
    assert!(described["paths"]["/api/v1/tables/{schema}/{table}"]["get"].is_object());
    for (path, media) in [
        ("/api/v1/docs", "text/html"),
        ("/api/v1/docs.js", "text/javascript"),
        ("/api/v1/docs.css", "text/css"),
    ] {
        let reply = client.get(path).await;
        assert_eq!(reply.status, 200);
        assert!(reply.header("content-type").starts_with(media), "{path}");
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Over a real connection: a running response is delivered after the stop, an idle connection does not
/// delay the end, and then the port is closed.
#[tokio::test(flavor = "multi_thread")]
async fn running_responses_are_delivered_after_the_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let limits = Limits { stop_time: Duration::from_secs(20), ..Limits::default() };
    let router = TestClient::new().router();
    let client = async {
        let mut idle = TcpStream::connect(at).await.unwrap();
        let mut running = TcpStream::connect(at).await.unwrap();
        let sql = "SELECT+count(*)+AS+n+FROM+generate_series(1,3000000)";
        let head = format!("GET /api/v1/query?sql={sql} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        running.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 8];
        running.read_exact(&mut first).await.unwrap();
        stop.cancel();
        let rest = read_to_end(&mut running).await;
        assert!(rest.contains("\"n\":3000000") && rest.ends_with("0\r\n\r\n"), "{rest}");
        assert_eq!(read_to_end(&mut idle).await, "");
    };
    let (served, ()) =
        tokio::join!(serve(listener, router, &limits, Endpoint::default(), stop.clone()), client);
    served.unwrap();
    assert!(TcpStream::connect(at).await.is_err());
}

/// A client that requests much data and does not read loses its permit to the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_disconnected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let limits = Limits {
        queries: 1,
        wait_time: Duration::from_secs(30),
        stall_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let router = TestClient::with_limits(limits.clone(), &[]).router();
    let client = async {
        let mut idle = TcpStream::connect(at).await.unwrap();
        let sql = "SELECT+*+FROM+generate_series(1,9000000)";
        let head =
            format!("GET /api/v1/query?sql={sql}&format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n");
        idle.write_all(head.as_bytes()).await.unwrap();
        idle.read_exact(&mut [0; 8]).await.unwrap();
        let mut next = TcpStream::connect(at).await.unwrap();
        let head = "GET /api/v1/query?sql=SELECT+1+AS+n HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        next.write_all(head.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut next).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"n\":1"), "{answer}");
        stop.cancel();
    };
    let (served, ()) =
        tokio::join!(serve(listener, router, &limits, Endpoint::default(), stop.clone()), client);
    served.unwrap();
}
