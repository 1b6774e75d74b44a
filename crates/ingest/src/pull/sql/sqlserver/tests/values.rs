//! Values as text and back.

use super::replay::{Replay, Reply};
use super::tokens::{self, Cell, Wire};
use super::world::{Table, lines, read, source};
use crate::pull::sql::columns::{ColumnKind, SqlColumn};
use crate::pull::sql::session::Session as _;
use crate::pull::sql::sqlserver::{SqlServer, types};
use proptest::prelude::*;

const GREEK: &str = "Greek_CI_AS";

fn column(type_name: &str) -> SqlColumn {
    let is_narrow = type_name.starts_with("char") || type_name.starts_with("varchar");
    let collation = if is_narrow { GREEK } else { "" };
    types::column("a".into(), type_name.into(), collation.into())
}

#[test]
fn every_type_is_converted_without_loss() {
    let check = |type_name, expected| {
        assert_eq!(types::text(&column(type_name), "[a]"), expected, "{type_name}");
    };
    check("bit", "CONVERT(nvarchar(20), [a])");
    check("bigint", "CONVERT(nvarchar(20), [a])");
    check("decimal(38,10)", "CONVERT(nvarchar(41), [a])");
    check("money", "CONVERT(nvarchar(22), [a], 2)");
    check("float", "CONVERT(nvarchar(30), [a], 3)");
    check("real", "CONVERT(nvarchar(30), [a], 3)");
    check("date", "CONVERT(nvarchar(10), [a], 23)");
    check("time(7)", "CONVERT(nvarchar(27), [a], 121)");
    check("datetime", "CONVERT(nvarchar(27), [a], 121)");
    check("datetime2(3)", "CONVERT(nvarchar(27), [a], 121)");
    check("smalldatetime", "CONVERT(nvarchar(19), [a], 120)");
    check(
        "datetimeoffset(3)",
        "CONVERT(nvarchar(27), CONVERT(datetime2(3), SWITCHOFFSET([a], '+00:00')), 121) + N'+00'",
    );
    check("timestamp", "CONVERT(nvarchar(20), CONVERT(bigint, [a]))");
    check("uniqueidentifier", "CONVERT(nvarchar(36), [a])");
    check("nvarchar(50)", "[a]");
    check("nchar(3)", "[a]");
    check("varchar(4000)", "CONVERT(nvarchar(4000), [a])");
    check("varchar(4001)", "CONVERT(nvarchar(max), [a])");
    check("varchar(max)", "CONVERT(nvarchar(max), [a])");
    check("char(5)", "CONVERT(nvarchar(5), [a])");
    check("xml", "CONVERT(nvarchar(max), [a])");
    check("ntext", "CONVERT(nvarchar(max), [a])");
    check("sql_variant", "CONVERT(nvarchar(max), [a])");
    check("binary(8)", "[a]");
    check("varbinary(max)", "[a]");
    check("image", "CONVERT(varbinary(max), [a])");
    check("geography", "CONVERT(varbinary(max), [a])");
    check("hierarchyid", "[a].ToString()");
}

#[test]
fn a_literal_has_the_type_of_its_column() {
    let check = |type_name, text, expected| {
        assert_eq!(types::literal(&column(type_name), text), expected, "{type_name} {text}");
    };
    check("nvarchar(50)", "it's", "N'it''s'");
    check("varchar(50)", "Ώρα", "CONVERT(varchar(50), N'Ώρα' COLLATE Greek_CI_AS)");
    check("int", "-5", "CONVERT(int, N'-5')");
    check("int", "1 OR 1=1", "CONVERT(int, N'1 OR 1=1')");
    check("decimal(18,4)", "12.5000", "CONVERT(decimal(18,4), N'12.5000')");
    check("float", "1.5000000000000000e+000", "CONVERT(float, N'1.5000000000000000e+000')");
    check("uniqueidentifier", "6F", "CONVERT(uniqueidentifier, N'6F')");
    check("binary(2)", "\\x0aff", "0x0aff");
    check("varbinary(9)", "\\x", "0x");
    check("varbinary(9)", "\\x0a; DROP", "0x");
    check("timestamp", "2001", "0x00000000000007D1");
    check("timestamp", "-995", "0x0000000000000000");
    check("date", "2026-11-27", "CONVERT(date, N'2026-11-27')");
    check("date", "2026-11-27 06:00:00.5", "CONVERT(date, N'2026-11-27T06:00:00')");
    check("datetime", "2026-11-27 06:00:00.123", "CONVERT(datetime, N'2026-11-27T06:00:00.123')");
    check(
        "datetime",
        "2026-11-27 06:00:00.123456",
        "CONVERT(datetime, N'2026-11-27T06:00:00.123')",
    );
    check("datetime", "2026-11-27", "CONVERT(datetime, N'2026-11-27T00:00:00')");
    check(
        "datetime2(7)",
        "2026-11-27 06:00:00.1234567",
        "CONVERT(datetime2(7), N'2026-11-27T06:00:00.1234567')",
    );
    check(
        "datetimeoffset(7)",
        "2026-11-27 06:00:00.5000000+00",
        "CONVERT(datetimeoffset(7), N'2026-11-27T06:00:00.5000000+00:00')",
    );
    let mut odd = column("varchar(5)");
    odd.collation = "x'; DROP".into();
    assert_eq!(types::literal(&odd, "a"), "CONVERT(varchar(5), N'a')");
}

#[test]
fn kinds_follow_the_types() {
    let check = |type_name, kind| assert_eq!(column(type_name).kind, kind, "{type_name}");
    check("timestamp", ColumnKind::Integer);
    check("tinyint", ColumnKind::Integer);
    check("numeric(18,0)", ColumnKind::Number);
    check("datetime2(7)", ColumnKind::Time);
    check("time(7)", ColumnKind::Text);
    check("bit", ColumnKind::Bool);
    check("geography", ColumnKind::Text);
    assert!(column("datetimeoffset(7)").has_zone && !column("datetime2(7)").has_zone);
}

proptest! {
    /// Inside the quotes, every quote is doubled, so that nothing ends the literal or the name early.
    #[test]
    fn texts_and_names_cannot_end_early(text in ".{0,12}|['\\]]{0,6}") {
        let literal = types::quoted(&text);
        let inside = literal.strip_prefix("N'").and_then(|it| it.strip_suffix('\'')).unwrap();
        prop_assert!(!inside.replace("''", "").contains('\''));
        prop_assert_eq!(inside.replace("''", "'"), text.clone());
        let name = SqlServer::DIALECT.name(&text);
        let inside = name.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap();
        prop_assert!(!inside.replace("]]", "").contains(']'));
        prop_assert_eq!(inside.replace("]]", "]"), text);
    }
}

#[tokio::test]
async fn texts_bytes_and_nulls_are_read_as_sent() {
    let long = "Ω½ \u{1f3ed}".repeat(2_000);
    let bytes: Vec<u8> = (0..=255).cycle().take(9_001).collect();
    let cells = vec![
        vec![
            Cell::from("a\tb\nc\\d"),
            Cell::from(long.as_str()),
            Cell::Bytes(vec![0, 0x0a, 0xff]),
            Cell::Bytes(bytes.clone()),
        ],
        vec![Cell::Null, Cell::Null, Cell::Null, Cell::Null],
        vec![Cell::from(""), Cell::from(""), Cell::Bytes(vec![]), Cell::Bytes(vec![])],
    ];
    let columns = [
        ("id", "nvarchar(50)", ""),
        ("remark", "nvarchar(max)", ""),
        ("code", "varbinary(8)", ""),
        ("scan", "varbinary(max)", ""),
    ];
    let script = move |_: &str| {
        let wires =
            [("", Wire::Text), ("", Wire::LongText), ("", Wire::Bytes), ("", Wire::LongBytes)];
        let mut out = tokens::metadata(&wires);
        for cells in &cells {
            out.extend(tokens::row(&wires, cells));
            out.extend(tokens::row_without_nulls(&wires, cells));
        }
        out.extend(tokens::done(6, false));
        Reply::Whole(out)
    };
    let replay = Replay::new(Table::new(&columns).script(script));
    let pulled = read(&source(replay.port, &[], None)).await.unwrap().unwrap();
    let first = format!("a\\tb\\nc\\\\d\t{long}\t\\\\x000aff\t\\\\x{}", hex::encode(bytes));
    let first = first.as_str();
    let (null, empty) = ("\\N\t\\N\t\\N\t\\N", "\t\t\\\\x\t\\\\x");
    let found = lines(pulled);
    assert_eq!(found[0], "id\tremark\tcode\tscan");
    assert_eq!(found[1..], [first, first, null, null, empty, empty]);
}

#[tokio::test]
async fn a_value_that_is_not_text_is_an_error() {
    let script = |_: &str| {
        let wires = [("", Wire::Int)];
        let row = tokens::row(&wires, &[Cell::Int(5)]);
        Reply::Whole([tokens::metadata(&wires), row, tokens::done(1, false)].concat())
    };
    let replay = Replay::new(Table::new(&[("id", "int", "")]).script(script));
    let error = read(&source(replay.port, &[], None)).await.unwrap_err();
    assert!(error.to_string().contains("column 1 came as Int4"), "{error}");
}

#[tokio::test]
async fn a_column_without_a_name_is_named_by_its_number() {
    let columns = [("id", "int", ""), ("", "int", "")];
    let replay = Replay::new(Table::new(&columns).script(|text| panic!("{text}")));
    let error = read(&source(replay.port, &[], None)).await.unwrap_err();
    assert!(error.to_string().contains("column 2 of `query` has no name"), "{error}");
}
