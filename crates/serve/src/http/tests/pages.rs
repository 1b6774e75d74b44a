use super::TestClient;
use super::lake::BOARDS;
use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

async fn rows(client: &TestClient, query: &str) -> Vec<Value> {
    let reply = client.get(&format!("/api/v1/tables/{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    reply.json()["rows"].as_array().unwrap().clone()
}

async fn check_ids(query: &str, expected: Value) {
    check_ids_of(&TestClient::new(), query, expected).await;
}

async fn check_ids_of(client: &TestClient, query: &str, expected: Value) {
    let rows = rows(client, &format!("gold/sample?columns=id&{query}")).await;
    let ids = rows.iter().map(|row| row["id"].clone()).collect::<Value>();
    assert_eq!(ids, expected, "{query}");
}

async fn check_refused(path: &str, expected: (u16, &str), message: &str) {
    let reply = TestClient::new().get(path).await;
    assert_eq!(reply.refusal(), (expected.0, expected.1.to_owned()), "{path}: {}", reply.text());
    let found = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(found.contains(message), "{path}: {found}");
}

#[tokio::test]
async fn json_shows_every_value_as_it_is() {
    let reply = TestClient::new().get("/api/v1/tables/gold/sample?order=id").await;
    let expected = concat!(
        r#"{"rows":[{"id":1,"Name of it":"മലയാളം, \"x\"\n","qty":1.500,"on_day":"2023-01-03","#,
        r#""at":"2023-01-03T00:00:00Z","ratio":0.5,"ok":true},"#,
        "\n",
        r#"{"id":2,"Name of it":"","qty":-0.005,"on_day":"1969-12-31","#,
        r#""at":"2023-01-03T00:00:00.120Z","ratio":null,"ok":false},"#,
        "\n",
        r#"{"id":9007199254740993,"Name of it":null,"qty":null,"on_day":null,"#,
        r#""at":null,"ratio":null,"ok":null}],"total":3,"limit":1000,"offset":0,"version":4,"#,
        r#""as_of":"2023-01-10T00:00:00Z"}"#
    );
    assert_eq!(reply.text(), expected);
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn csv_distinguishes_null_from_empty() {
    let reply = TestClient::new().get("/api/v1/tables/gold/sample?order=id&format=csv").await;
    let expected = "id,Name of it,qty,on_day,at,ratio,ok\r\n\
        1,\"മലയാളം, \"\"x\"\"\n\",1.500,2023-01-03,2023-01-03T00:00:00Z,0.5,true\r\n\
        2,\"\",-0.005,1969-12-31,2023-01-03T00:00:00.120Z,NaN,false\r\n\
        9007199254740993,,,,,,\r\n";
    assert_eq!(reply.text(), expected);
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"gold.sample.csv\"");
    let none =
        TestClient::new().get("/api/v1/tables/gold/sample?columns=id&filter.id=0&format=csv").await;
    assert_eq!(none.text(), "id\r\n");
}

#[tokio::test]
async fn arrow_and_parquet_hold_the_same_rows() {
    let client = TestClient::new();
    let arrow = client.get_with(
        "/api/v1/tables/silver/board",
        &[("accept", "application/vnd.apache.arrow.stream")],
    );
    let batches = arrow.await.body;
    let batches = StreamReader::try_new(&batches[..], None).unwrap();
    let batches = batches.collect::<Result<Vec<RecordBatch>, _>>().unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), BOARDS);
    let parquet = client.get("/api/v1/tables/gold/sample?format=parquet&order=id").await;
    assert_eq!(
        parquet.header("content-disposition"),
        "attachment; filename=\"gold.sample.parquet\""
    );
    let bytes = bytes::Bytes::from(parquet.body);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let read = reader.collect::<Result<Vec<RecordBatch>, _>>().unwrap();
    let arrow = client.get("/api/v1/tables/gold/sample?format=arrow&order=id").await;
    let written =
        StreamReader::try_new(&arrow.body[..], None).unwrap().collect::<Result<Vec<_>, _>>();
    assert_eq!(format!("{read:?}"), format!("{:?}", written.unwrap()));
}

#[tokio::test]
async fn filters_select_rows_in_memory_and_in_delta() {
    let folder = tempfile::tempdir().unwrap();
    check_filters(&TestClient::new()).await;
    check_filters(&TestClient::stored(folder.path()).await).await;
}

async fn check_filters(client: &TestClient) {
    let third = 9_007_199_254_740_993_i64;
    check_ids_of(client, "filter.id=1,2", json!([1, 2])).await;
    check_ids_of(client, "filter.id=2..", json!([2, third])).await;
    check_ids_of(client, "filter.qty=1.5", json!([1])).await;
    check_ids_of(client, "filter.qty=-0.005..1.5", json!([1, 2])).await;
    check_ids_of(client, "filter.qty=null", json!([third])).await;
    check_ids_of(client, "filter.qty=!null", json!([1, 2])).await;
    check_ids_of(client, "filter.on_day=..2000-01-01,2023-01-03", json!([1, 2])).await;
    check_ids_of(client, "filter.at=2023-01-03", json!([1, 2])).await;
    check_ids_of(client, "filter.at=2023-01-03T00:00:00Z", json!([1])).await;
    check_ids_of(client, "filter.at=2023-01-03T05:30:00%2B05:30", json!([1])).await;
    check_ids_of(client, "filter.at=2023-01-03T00:00:00.1Z..", json!([2])).await;
    check_ids_of(client, "filter.ok=false,null", json!([2, third])).await;
    check_ids_of(client, "filter.Name%20of%20it=", json!([2])).await;
    check_ids_of(client, "filter.id=1..2&filter.ok=true", json!([1])).await;
    check_ids_of(client, "order=-qty", json!([1, 2, third])).await;
    check_ids_of(client, "order=qty", json!([2, 1, third])).await;
    check_ids_of(client, "limit=1&offset=1", json!([2])).await;
    check_ids_of(client, "limit=0", json!([])).await;
}

/// A Delta table shows the same values as the batches it was written from.
#[tokio::test]
async fn delta_shows_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, delta) = (TestClient::new(), TestClient::stored(folder.path()).await);
    for format in ["json", "csv", "arrow", "parquet"] {
        let path = format!("/api/v1/tables/gold/sample?order=-id&format={format}");
        let (memory, delta) = (memory.get(&path).await, delta.get(&path).await);
        assert_eq!(delta.status, 200, "{format}");
        assert!(memory.body == delta.body, "{format}: {:?}", String::from_utf8_lossy(&delta.body));
    }
    let counted =
        delta.query("SELECT count(*) AS n FROM gold.sample WHERE at >= '2023-01-03'").await;
    assert_eq!(counted.json()["rows"], json!([{ "n": 2 }]), "{}", counted.text());
}

/// Invariant: a filter by any returned value selects exactly the rows with that value.
#[tokio::test]
async fn every_returned_value_can_be_filtered_by() {
    let client = TestClient::new();
    let shown = rows(&client, "gold/sample?order=id").await;
    for (column, value) in shown.iter().flat_map(|row| row.as_object().unwrap()) {
        let plain = value.as_str().map_or_else(|| value.to_string(), escaped);
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let query = format!("filter.{}={}", encode(column), encode(&plain));
        let expected =
            shown.iter().filter(|row| row[column] == *value).map(|row| row["id"].clone());
        let expected = if column == "ratio" && value.is_null() {
            json!([9_007_199_254_740_993_i64])
        } else {
            expected.collect::<Value>()
        };
        check_ids_of(&client, &query, expected).await;
    }
}

/// `text` with every character escaped that is special in a filter.
fn escaped(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() };
    text.chars().map(letter).collect()
}

#[tokio::test]
async fn a_filter_is_never_sql() {
    let name = "filter.Name%20of%20it=";
    for text in
        ["x' OR '1'='1", "'; DROP TABLE gold.sample; --", "1) OR (1=1", "\" OR 1=1 --", "%", "_*"]
    {
        let text = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        check_ids(&format!("{name}{text}"), json!([])).await;
    }
    for (path, code) in [
        ("filter.id=1%20OR%201=1", "bad_value"),
        ("filter.id%20OR%201=1", "unknown_column"),
        ("filter.id)%20OR%20(1=1", "unknown_column"),
        ("order=id%20DESC", "unknown_column"),
        ("order=(SELECT%201)", "unknown_column"),
        ("columns=id,count(*)", "unknown_column"),
        ("columns=*", "unknown_column"),
        ("limit=1;DROP", "bad_value"),
    ] {
        check_refused(&format!("/api/v1/tables/gold/sample?{path}"), (400, code), "").await;
    }
    check_refused("/api/v1/tables/gold/sample%22;drop", (404, "unknown_table"), "").await;
}

/// Invariant: the concatenated pages are the whole table, for any order, with ties and without a key.
#[tokio::test]
async fn concatenated_pages_are_the_whole_table() {
    let client = TestClient::new();
    for order in ["", "&order=station", "&order=-hour,quantity", "&order=-quantity&columns=station"]
    {
        let whole = rows(&client, &format!("silver/board?limit=100000{order}")).await;
        assert_eq!(whole.len(), BOARDS, "{order}");
        let mut joined = Vec::new();
        for offset in (0..BOARDS + 300).step_by(371) {
            let path = format!("/api/v1/tables/silver/board?limit=371&offset={offset}{order}");
            let page = client.get(&path).await.json();
            assert_eq!(page["total"], BOARDS, "{path}");
            joined.extend(page["rows"].as_array().unwrap().clone());
        }
        assert!(joined == whole, "{order}");
    }
}

#[tokio::test]
async fn total_counts_the_filtered_rows() {
    let client = TestClient::new();
    for (query, total) in [
        ("filter.hour=1", BOARDS / 24 + 1),
        ("filter.hour=1&limit=1", BOARDS / 24 + 1),
        ("filter.hour=1&offset=5000", BOARDS / 24 + 1),
        ("filter.hour=99", 0),
    ] {
        let page = client.get(&format!("/api/v1/tables/silver/board?{query}")).await.json();
        assert_eq!(page["total"], total, "{query}");
    }
}

#[tokio::test]
async fn errors_describe_the_invalid_part() {
    let sample = "/api/v1/tables/gold/sample";
    check_refused(
        "/api/v1/tables/gold/sampel",
        (404, "unknown_table"),
        "did you mean gold.sample?",
    )
    .await;
    check_refused(
        "/api/v1/tables/x/y",
        (404, "unknown_table"),
        "gold.ageing, gold.sample, silver.board",
    )
    .await;
    let columns = "it has: id, Name of it, qty, on_day, at, ratio, ok";
    check_refused(&format!("{sample}?columns=id,x"), (400, "unknown_column"), columns).await;
    check_refused(&format!("{sample}?order=-x"), (400, "unknown_column"), columns).await;
    check_refused(&format!("{sample}?filter.x=1"), (400, "unknown_column"), columns).await;
    check_refused(&format!("{sample}?filter.qty=1.5001"), (400, "bad_value"), "decimal(28,3)")
        .await;
    check_refused(&format!("{sample}?limit=100001"), (400, "limit_too_big"), "100000").await;
    check_refused(&format!("{sample}?offset=1000001"), (400, "offset_too_big"), "1000000").await;
    check_refused(&format!("{sample}?fliter.id=1"), (400, "unknown_parameter"), "filter.<column>")
        .await;
    check_refused(
        &format!("{sample}?parameter.as_of=2023-01-01"),
        (400, "unknown_parameter"),
        "none",
    )
    .await;
    check_refused(&format!("{sample}?format=xls"), (400, "unknown_format"), "parquet").await;
    check_refused("/api/v1/tables/gold/%ff", (400, "bad_path"), "").await;
    let ageing = "/api/v1/tables/gold/ageing?parameter.as_of=soon";
    check_refused(ageing, (400, "bad_value"), "parameter as_of").await;
}

#[tokio::test]
async fn a_recomputed_table_is_not_cached() {
    let path = "/api/v1/tables/gold/ageing?parameter.as_of=2023-01-01&order=bucket";
    let reply = TestClient::new().get(path).await;
    let page = reply.json();
    assert_eq!(page["rows"][0], json!({ "bucket": "0-30", "as_of": "2023-01-01" }));
    assert_eq!((reply.header("etag"), reply.header("cache-control")), ("", "no-store"));
    assert_eq!(page["version"], Value::Null);
}

#[tokio::test]
async fn an_unchanged_table_is_not_sent_again() {
    let client = TestClient::new();
    let path = "/api/v1/tables/gold/sample?columns=id";
    let first = client.get(path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("\"4-"), "{tag}");
    let again = client.get_with(path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, &tag[..]));
    for (path, accept) in [(path, "text/csv"), ("/api/v1/tables/gold/sample?columns=qty", "*/*")] {
        let other = client.get_with(path, &[("if-none-match", &tag), ("accept", accept)]).await;
        assert_eq!(other.status, 200, "{path} {accept}");
    }
}
