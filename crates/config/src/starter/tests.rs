use super::*;
use crate::folder;

/// The files for a text, which must be a plant folder without mistakes.
#[track_caller]
fn plant_for(name: &str, bytes: &[u8]) -> BTreeMap<String, String> {
    let source = SourceFile {
        name,
        table: None,
        folder: "/data",
        bytes,
        is_whole: true,
        decoded: None,
        url: None,
    };
    let starter = Starter { plant: "New \"plant\"", folder: "/plant", source: Some(source) };
    let files = files(&starter).unwrap();
    assert_valid(&files);
    files
}

#[track_caller]
fn assert_valid(files: &BTreeMap<String, String>) {
    let is_read = |path: &&String| path.ends_with(".toml") || path.ends_with(".sql");
    let texts = files.iter().filter(|(path, _)| is_read(path));
    let texts: BTreeMap<String, String> =
        texts.map(|(path, text)| (path.clone(), text.clone())).collect();
    let (plant, mistakes) = folder::read(&texts);
    assert!(mistakes.is_empty(), "{}\n{texts:#?}", crate::listed(&mistakes));
    let plant = plant.unwrap();
    assert_eq!((plant.contracts.len(), plant.models.len(), plant.kpis.len()), (1, 2, 1));
}

/// The lines of a contract from the columns on.
fn columns(files: &BTreeMap<String, String>, table: &str) -> Vec<String> {
    let contract = &files[&format!("bronze/{table}.toml")];
    let lines = contract.lines().filter(|line| line.trim_start().starts_with("{ name"));
    lines.map(|line| line.split(", description").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_example_is_a_valid_plant() {
    let files = files(&Starter { plant: "p", folder: "/plant", source: None }).unwrap();
    assert_valid(&files);
    assert!(files["plant.toml"].contains("bucket = \"/plant/bucket\""));
    assert!(files.contains_key("bucket/production_2026-11-02.csv"));
    let expected = [
        "{ name = \"order_value\", header = \"Order\", type = \"int\"",
        "{ name = \"press\", header = \"Press\", type = \"text\", required = true",
        "{ name = \"start\", header = \"Start\", type = \"time\", formats = [\"dd.MM.yyyy HH:mm\"], \
         local = true, required = true",
        "{ name = \"made\", header = \"Made\", type = \"int\"",
        "{ name = \"good\", header = \"Good\", type = \"int\"",
        "{ name = \"cycle_time_s\", header = \"Cycle time s\", type = \"float\", decimal = \",\"",
    ];
    let found = columns(&files, "production");
    assert!(found.len() == 6 && files["silver/production.sql"].contains("-- key: "), "{found:?}");
    assert_eq!(found[5], expected[5]);
    assert!(found[2].contains("dd.MM.yyyy HH:mm"), "{found:?}");
}

#[test]
fn delimiter_encoding_and_header_are_detected() {
    let utf16: Vec<u8> = "\u{feff}Nr;Größe\r\n1;2,5\r\n2;1.234,5\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let contract = plant_for("a_20260101.csv", &utf16)["bronze/a.toml"].clone();
    assert!(contract.contains("encoding = \"utf-16le\""), "{contract}");
    assert!(contract.contains("paths = [\"a_{yyyymmdd}.csv\"]"), "{contract}");
    assert!(contract.contains("thousands = \".\""), "{contract}");
    let latin = plant_for("x.txt", b"Gr\xf6\xdfe|Nr\n1|a\n2|b\n")["bronze/x.toml"].clone();
    assert!(latin.contains("encoding = \"windows-1252\"") && latin.contains("delimiter = \"|\""));
    assert!(latin.contains("header = \"Größe\""), "{latin}");
    let bare = plant_for("b.csv", b"1,2\n3,4\n5,6\n")["bronze/b.toml"].clone();
    assert!(bare.contains("header = false") && bare.contains("column_2"), "{bare}");
}

#[test]
fn lines_above_the_table_are_skipped() {
    let text =
        "Report of line 4\nprinted 2026-01-01\nid,day,flag\n1,2026-01-01,yes\n2,2026-01-02,no\n";
    let files = plant_for("r.csv", text.as_bytes());
    let contract = &files["bronze/r.toml"];
    assert!(contract.contains("skip_lines = 2"), "{contract}");
    let expected = [
        "{ name = \"id\", header = \"id\", type = \"int\", required = true",
        "{ name = \"day\", header = \"day\", type = \"date\", formats = [\"yyyy-MM-dd\"]",
        "{ name = \"flag\", header = \"flag\", type = \"bool\"",
    ];
    assert_eq!(columns(&files, "r"), expected);
    assert!(files["silver/r.sql"].contains("day AS day_local"));
}

#[test]
fn difficult_files_still_give_a_valid_plant() {
    let quotes = "\"Select\",\"a \"\"b\"\"\",A b,\n007,\"x,y\",NULL,\n008,\"p\nq\",3,\n";
    let files = plant_for("Ümläut 1.csv", quotes.as_bytes());
    let found = columns(&files, "ml_ut");
    assert!(found[0].starts_with("{ name = \"select_value\"") && found[0].contains("\"text\""));
    assert!(found[1].contains(r#"header = "a \"b\"""#), "{found:?}");
    assert!(found[2].starts_with("{ name = \"a_b_2\"") && found[2].contains("\"int\""));
    assert!(files["bronze/ml_ut.toml"].contains("nulls = [\"\", \"NULL\"]"));
    let double = plant_for("d.csv", b"a;b\n1;1\n1;1\n");
    assert!(double["bronze/d.toml"].contains("supersede = \"dump\""));
    for bytes in [&b""[..], b"one column\n1\n", b"a,b\n", &[0xff, 0xfe, 0x00]] {
        let source = SourceFile {
            name: "n.csv",
            table: None,
            folder: "/",
            bytes,
            is_whole: true,
            decoded: None,
            url: None,
        };
        let starter = Starter { plant: "p", folder: "/p", source: Some(source) };
        assert!(super::files(&starter).unwrap_err().to_string().contains("no table"), "{bytes:?}");
    }
}

#[test]
fn a_row_cut_off_at_the_end_of_the_sample_is_ignored() {
    let bytes = b"id,n\n1,10\n2,20\n3,3";
    let source = SourceFile {
        name: "c.csv",
        table: None,
        folder: "/",
        bytes,
        is_whole: false,
        decoded: None,
        url: None,
    };
    let table = detect(&source).unwrap();
    assert_eq!((table.columns.len(), &table.key[..]), (2, &[0][..]));
}

#[test]
fn drafts_are_written_for_json_parquet_and_lines() {
    let draft = |name: &str, text: &str| {
        let bytes = text.as_bytes();
        let url = None;
        let source = SourceFile {
            name,
            table: Some("Parts 1"),
            folder: "",
            bytes,
            is_whole: true,
            decoded: None,
            url,
        };
        draft(&source).unwrap()
    };
    let lines = draft(
        "a.jsonl",
        "{\"id\": 1, \"b\": {\"at\": 1790000000}}\n{\"id\": 2, \"b\": {\"at\": null}}\n",
    );
    assert_eq!(lines.table, "parts");
    for part in [
        "format = \"json_lines\"",
        "header = \"b.at\"",
        "formats = [\"epoch_s\"]",
        "supersede = \"key\"",
    ] {
        assert!(lines.contract.contains(part), "{part}: {}", lines.contract);
    }
    assert!(lines.silver.contains("-- key: id\n"), "{}", lines.silver);
    let nested = draft("a.json", "{\"d\": {\"rows\": [{\"x\": 1}, {\"x\": 1}]}}");
    for part in ["records = \"d.rows\"", "supersede = \"dump\""] {
        assert!(nested.contract.contains(part), "{part}: {}", nested.contract);
    }
    let plain = draft("a.txt", "C435Items-SB\nC530Items-SB\n");
    assert!(plain.contract.contains("pattern = '(?<line>.+)'"), "{}", plain.contract);
    let rows = vec![vec!["1".to_owned(), "2026-11-02 06:00:00Z".to_owned()]];
    let decoded = DecodedRecords { headers: vec!["No".into(), "Made at".into()], rows };
    let source = SourceFile {
        name: "parts.parquet",
        table: None,
        folder: "",
        bytes: b"PAR1",
        is_whole: true,
        decoded: Some(&decoded),
        url: Some("https://mes.example/parts.parquet?all=1"),
    };
    let parquet = super::draft(&source).unwrap().contract;
    for part in
        ["format = \"parquet\"", "\"yyyy-MM-dd HH:mm:ssXXX\"", "[http]\nurl = \"https://mes"]
    {
        assert!(parquet.contains(part), "{part}: {parquet}");
    }
    assert!(!parquet.contains("paths ="), "{parquet}");
}
