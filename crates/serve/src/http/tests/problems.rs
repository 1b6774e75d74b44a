//! Bodies of errors: problem details, and those of OData and Delta Sharing.

use super::{TestClient, request};
use axum::body::Body;
use axum::http::Method;
use serde_json::json;

#[tokio::test]
async fn errors_are_problem_details() {
    let client = TestClient::new();
    let reply = client.get("/api/v1/tables/gold/nothing?limit=1").await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let body = reply.json();
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.starts_with("unknown table gold.nothing"), "{detail}");
    assert_eq!(
        body,
        json!({
            "type": "/api/v1/docs#unknown_table",
            "title": "Unknown table",
            "status": 404,
            "detail": detail,
            "instance": "/api/v1/tables/gold/nothing",
            "code": "unknown_table",
            "remedy": "Use a table that GET /api/v1/tables lists.",
            "error": { "code": "unknown_table", "message": detail },
        })
    );
}

#[tokio::test]
async fn errors_in_sql_have_a_position() {
    let body = TestClient::new().query("SELECT FROM WHERE").await.json();
    assert!(body["line"].is_number() && body["column"].is_number(), "{body}");
    assert_eq!(body["error"]["line"], body["line"]);
}

#[tokio::test]
async fn every_refusal_has_a_body() {
    let client = TestClient::new();
    for (method, path, headers, status, code) in [
        (Method::GET, "/api/v1/nothing", [("a", "b")], 404, "not_found"),
        (Method::PATCH, "/api/v1/tables", [("a", "b")], 405, "wrong_method"),
        (Method::GET, "/api/v1/tables", [("host", "elsewhere")], 421, "unknown_host"),
        (Method::GET, "/api/v1/tables", [("sec-fetch-site", "cross-site")], 403, "cross_site"),
    ] {
        let reply = client.send(request(method, path, &headers, Body::empty())).await;
        assert_eq!(reply.refusal(), (status, code.to_owned()), "{path}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(reply.header("content-length"), reply.body.len().to_string(), "{path}");
        assert_eq!(reply.json()["instance"], path);
    }
}

#[tokio::test]
async fn the_error_of_a_head_request_has_no_body() {
    let client = TestClient::new();
    let path = "/api/v1/tables/gold/nothing";
    let reply = client.send(request(Method::HEAD, path, &[], Body::empty())).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (404, 0));
    let length: usize = reply.header("content-length").parse().unwrap();
    assert!(length > 100);
}

#[tokio::test]
async fn errors_of_odata_have_the_single_member_error() {
    let reply = TestClient::new().get("/odata/v4/gold_nothing").await;
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    assert_eq!(body.as_object().unwrap().len(), 1);
    assert_eq!(body["error"]["code"], "unknown_table");
    assert!(body["error"]["message"].is_string());
}

#[tokio::test]
async fn unchanged_lists_and_kpis_are_not_sent_again() {
    let client = TestClient::new();
    for path in ["/api/v1/tables", "/api/v1/kpis"] {
        let first = client.get(path).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let tag = first.header("etag").to_owned();
        let second = client.get_with(path, &[("if-none-match", &tag)]).await;
        assert_eq!((second.status.as_u16(), second.body.len()), (304, 0), "{path}");
        assert_eq!(second.header("etag"), tag);
        let other = client.get_with(path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, 200);
    }
}
