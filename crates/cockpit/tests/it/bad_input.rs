//! Invalid dumps: each is reported with its reason, the other dumps are ingested,
//! and nothing is lost.

use crate::world::{TABLES, World, golden, gzip, orders};
use std::fmt::Write as _;

const PLAN: &str = "Id,Item,Day,Hour,Station,Quantity\n";

/// The results of a run as text: the output, the result of every dump, every reject, all of silver.
fn transcript(world: &World) -> String {
    let mut text = String::new();
    for round in ["first", "second"] {
        let outcome = world.run(&["ingest", "--once", "--log", "error"]);
        let end = if outcome.succeeded { "well" } else { "not well" };
        writeln!(text, "$ cockpit ingest --once   # {round} time, ends {end}").unwrap();
        text += &outcome.stdout;
        text += &outcome.stderr;
    }
    if world.versions().contains_key("meta.files") {
        let files = "SELECT file, dump, table_name, status, records, reason FROM meta.files \
                     ORDER BY file, dump";
        writeln!(text, "\n$ meta.files").unwrap();
        for row in world.sql(files) {
            writeln!(text, "{row}").unwrap();
        }
    }
    for table in TABLES.into_iter().filter(|table| table.starts_with("silver")) {
        let noise = ["_file_sha256", "_modified_at", "_dumped_at"];
        let rows = world.rows_without(table, &noise);
        if !rows.is_empty() {
            write!(text, "\n$ {table}\n{}\n", rows.join("\n")).unwrap();
        }
    }
    world.plain(&text)
}

/// Ingests `dumps` twice and compares the results with `cases/<case>/expect/output.txt`.
#[track_caller]
fn bad(case: &str, dumps: &[(&str, &[u8])]) -> World {
    let world = World::new();
    for (key, bytes) in dumps {
        world.dump(key, bytes);
    }
    golden(case, "output.txt", &transcript(&world));
    if world.versions().contains_key("meta.runs") {
        world.is_balanced();
    }
    world
}

/// A header and these plan rows.
fn plan(rows: &str) -> Vec<u8> {
    format!("{PLAN}{rows}").into_bytes()
}

#[test]
fn a_missing_bucket() {
    let world = World::new();
    std::fs::remove_dir(world.path("bucket")).unwrap();
    golden("no_bucket", "output.txt", &transcript(&world));
}

#[test]
fn no_bucket_is_configured() {
    let world = World::new();
    let outcome = world.run_with(&["ingest", "--once"], &[("COCKPIT_BUCKET", "")]);
    outcome.failure(&["no bucket is named", "--bucket"]);
}

#[test]
fn a_bucket_without_any_dump() {
    bad("no_dump", &[]);
}

#[test]
fn a_key_without_a_contract() {
    bad("other_key", &[("Plan.CSV", b"x"), ("plan/2024-13-01.csv", b"x"), ("plan.csv.bak", b"x")]);
}

#[test]
fn a_gzip_cut_short() {
    let rows: String =
        (0..4000).map(|id| format!("{id},a,2024-01-01,{},S1,7\n", id % 24)).collect();
    let whole = gzip(&plan(&rows));
    let cut = &whole[..whole.len() / 2];
    let world = bad("cut_gzip", &[("plan.csv.gz", cut), ("board.csv", BOARD)]);
    world.dump("plan.csv.gz", &whole);
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 4000);
    world.is_balanced();
    world.ingest().success();
}

#[test]
fn a_zstd_cut_short() {
    let whole = zstd::encode_all(&*plan("1,a,2024-01-01,1,S1,7\n"), 3).unwrap();
    bad("cut_zstd", &[("plan.csv.zst", &whole[..whole.len() - 5]), ("board.csv", BOARD)]);
}

const BOARD: &[u8] = b"1,g1,S1,2024-01-01 08:30:00\n2,g1,S1,2024-01-01 23:30:00\n";

#[test]
fn a_parquet_file_damaged_in_the_middle() {
    let mut bytes = orders(&[("w1", 5), ("w2", 6)]);
    bytes[4..40].fill(0xff);
    let world = bad("corrupt_parquet", &[("orders.parquet", &bytes), ("board.csv", BOARD)]);
    world.dump("orders.parquet", orders(&[("w1", 5), ("w2", 6)]));
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.orders"), 2);
    world.is_balanced();
}

#[test]
fn a_parquet_file_cut_short() {
    let bytes = orders(&[("w1", 5), ("w2", 6)]);
    bad("cut_parquet", &[("orders.parquet", &bytes[..bytes.len() - 9])]);
}

#[test]
fn text_where_parquet_should_be() {
    bad("no_parquet", &[("orders.parquet", b"id,quantity\nw1,5\n")]);
}

#[test]
fn one_broken_quote() {
    let rows = "1,a,2024-01-01,1,S1,1\n2,\"b,2024-01-01,1,S1,2\n3,c,2024-01-01,1,S1,3\n\
                4,\"d\"x,2024-01-01,1,S1,4\n5,\"e \"\"5\"\", e\",2024-01-01,1,S1,5\n";
    bad("broken_quote", &[("plan.csv", &plan(rows))]);
}

#[test]
fn empty_files() {
    bad(
        "empty",
        &[
            ("plan.csv", b""),
            ("board.csv", b""),
            ("stage.jsonl", b""),
            ("orders.parquet", b""),
            ("price.tsv", b"Item\tPrice\n"),
            ("entry.txt", b"\n\n"),
        ],
    );
}

#[test]
fn a_file_of_another_layout() {
    bad(
        "other_layout",
        &[
            ("plan.csv", b"Id,Article,Day,Hour,Where,Quantity\n1,a,2024-01-01,1,S1,1\n"),
            ("price.tsv", b"Price\tItem\tNote\n2.50\ta\tx\n"),
        ],
    );
}

#[test]
fn words_among_numbers_and_numbers_among_dates() {
    let rows = "1,a,2024-01-01,1,S1,many\n2,a,45000,1,S1,2\n3,a,2024-02-30,1,S1,3\nx,a,2024-01-01,1,\
                S1,4\n5,a,2024-01-01,1,,5\n6,a,2024-01-01,1,S1,-6\n7,a,2024-01-01,24,S1,7\n8,None,\
                2024-01-01,1,S1,8\n9,a,2024-01-01,1,S1,99999999999999999999\n10,a,,1,S1,10\n";
    bad("bad_values", &[("plan.csv", &plan(rows))]);
}

#[test]
fn a_line_of_twenty_megabytes() {
    let long = "x".repeat(20 << 20);
    let rows =
        format!("1,a,2024-01-01,1,S1,1\n2,{long},2024-01-01,1,S1,2\n3,a,2024-01-01,1,S1,3\n");
    let world = bad("long_line", &[("plan.csv", &plan(&rows))]);
    let kept = world.number("SELECT max(character_length(_rest)) FROM bronze.plan");
    assert!(kept <= 2 * 4096, "{kept}");
}

/// The most memory a run may use beyond that of a run on three short lines: a few copies of the
/// longest record allowed, and not of the line.
const OVER_KB: u64 = 32 << 10;

#[test]
fn a_line_without_end_takes_no_more_memory_than_a_record() {
    let (short, long) = ("x".repeat(20), "x".repeat(100 << 20));
    let [short, long] = [short, long].map(|item| {
        let world = World::new();
        let rows = format!("1,{item},2024-01-01,1,S1,1\n2,a,2024-01-01,1,S1,2\n");
        world.dump("plan.csv.gz", gzip(&plan(&rows)));
        let peak_kb = world.peak_kb(&["ingest", "--once"]);
        assert_eq!(world.number("SELECT count(*) FROM bronze.plan"), 2);
        world.is_balanced();
        peak_kb
    });
    assert!(long < short + OVER_KB, "{long} KB against {short} KB");
}

#[test]
fn bytes_that_are_not_text() {
    let mut bytes = plan("1,a,2024-01-01,1,S1,1\n2,");
    bytes.extend(b"\xff\xfe\x80,2024-01-01,1,S1,2\n3,caf\xc3\xa9,2024-01-01,1,S1,3\n");
    bad("invalid_text", &[("plan.csv", &bytes)]);
}

#[test]
fn ragged_lines() {
    let rows = "1,a,2024-01-01,1,S1,1\n2,a,2024-01-01,1,S1\n3,a,2024-01-01,1,S1,3,x\n\n\
                4,a,2024-01-01,1,S1,4";
    bad("ragged", &[("plan.csv", &plan(rows))]);
}

#[test]
fn the_header_again() {
    let rows = format!("1,a,2024-01-01,1,S1,1\n{PLAN}2,a,2024-01-01,1,S1,2\n");
    bad("repeated_header", &[("plan.csv", &plan(&rows))]);
}

#[test]
fn a_dump_in_utf_16() {
    let text = format!("\u{feff}{PLAN}1,é,2024-01-01,1,S1,1\r\n");
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bad("utf16", &[("plan.csv", &bytes), ("more/odd.csv", &bytes[..bytes.len() - 1])]);
}

#[test]
fn lines_that_are_not_json_and_lines_that_do_not_match_the_pattern() {
    bad(
        "no_match",
        &[
            (
                "stage.jsonl",
                b"{\"id\":\"g1\",\"surface\":1}\n{\"id\":\n[1]\n{\"surface\":2}\n\
                {\"id\":\"g2\",\"surface\":\"two\",\"more\":{\"x\":1}}\n{\"id\":\"g3\"}\n",
            ),
            (
                "entry.txt",
                b"E1-a-20240101-5\nE2 a 20240101 5\nE3-a-20240230-5\nE4-a-20240101-five\n",
            ),
        ],
    );
}

#[test]
fn a_broken_file_recovers_when_a_good_one_replaces_it_and_breaks_again() {
    let world = World::new();
    let good = plan("1,a,2024-01-01,1,S1,1\n2,a,2024-01-01,1,S1,x\n");
    let broken = gzip(&good)[..30].to_vec();
    for (bytes, succeeded) in
        [(&good, true), (&broken, false), (&good, true), (&broken, false), (&good, true)]
    {
        world.dump("plan.csv", bytes);
        for _ in 0..2 {
            let outcome = world.ingest();
            assert_eq!(outcome.succeeded, succeeded, "{}{}", outcome.stdout, outcome.stderr);
        }
        assert_eq!(world.number("SELECT count(*) FROM bronze.plan"), 2);
        assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 1);
        world.is_balanced();
    }
}

#[test]
fn a_deleted_broken_file_is_not_reported_again() {
    let world = World::new();
    world.dump("plan.csv", plan("1,a,2024-01-01,1,S1,1\n"));
    world.dump("orders.parquet", b"nothing");
    world.ingest().failure(&["orders.parquet"]);
    std::fs::remove_file(world.path("bucket/orders.parquet")).unwrap();
    world.ingest().success();
}

#[test]
fn a_corrected_contract_reads_the_file_it_could_not_read() {
    let world = World::new();
    world.dump("plan.csv", b"Number,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,1,S1,1\n");
    world.ingest().failure(&["missing [Id]", "found [Number", "correct the contract"]);
    world.edit("bronze/plan.toml", "header = \"Id\"", "header = \"Number\"");
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 1);
    world.is_balanced();
}
