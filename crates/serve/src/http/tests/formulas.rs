//! Escaping of formulas in downloads.

use super::TestClient;

const SQL: &str = r#"SELECT '=1+1' AS a, '-5' AS b, -5 AS c, '+A1' AS "=d", 'x,=1' AS e,
    TIMESTAMP '2024-01-01 00:00:00' AS f, '@SUM(1,2)' AS g"#;

async fn download(format: &str) -> String {
    let query = url::form_urlencoded::byte_serialize(SQL.as_bytes()).collect::<String>();
    TestClient::new()
        .get(&format!("/api/v1/query?sql={query}&format={format}"))
        .await
        .text()
        .to_owned()
}

#[tokio::test]
async fn formulas_in_csv_are_escaped_and_numbers_stay_numbers() {
    let csv = download("csv").await;
    let (header, row) = csv.split_once("\r\n").unwrap();
    assert_eq!(header, "a,b,c,'=d,e,f,g");
    assert!(row.starts_with("'=1+1,-5,-5,'+A1,\"x,=1\",2024-01-01T00:00:00"), "{row}");
    assert!(row.trim_end().ends_with(",\"'@SUM(1,2)\""), "{row}");
}

#[tokio::test]
async fn json_is_exact() {
    let json = download("json").await;
    assert!(json.contains("\"a\":\"=1+1\"") && json.contains("\"=d\":\"+A1\""), "{json}");
}
