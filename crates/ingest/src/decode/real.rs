//! The dumps of the reference plant, if they are beside the project.

use super::testing::{contract, decode, decode_chunked, delimited, rows};
use super::{DecodeLimits, parquet};
use arrow::array::Array;
use batches::batch::Batch;
use plant::contract::{Contract, Format};
use std::path::{Path, PathBuf};

const DUMPS: &str = "shared/data/bucket/data";

/// The path of a dump, `None` if the dumps are missing.
fn dump(key: &str) -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = above.map(|folder| folder.join(DUMPS)).find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: no folder {DUMPS} beside the project");
    }
    found.map(|folder| folder.join(key))
}

fn columns(format: Format, width: usize) -> Contract {
    let headers: Vec<String> = (0..width).map(|n| format!("column{n:02}")).collect();
    contract(format, &headers.iter().map(String::as_str).collect::<Vec<_>>())
}

fn check(key: &str, contract: &Contract, records: usize) {
    let Some(path) = dump(key) else { return };
    let file = std::fs::read(path).unwrap();
    let batch = decode(contract, &file).unwrap();
    assert_eq!(faults(&batch), Vec::<String>::new());
    assert_eq!(batch.len(), records);
    let chunked = decode_chunked(contract, &file, DecodeLimits::default(), 4099).unwrap();
    assert!(rows(&batch) == rows(&chunked) && batch.byte_from == chunked.byte_from);
}

fn faults(batch: &Batch) -> Vec<String> {
    rows(batch)
        .into_iter()
        .enumerate()
        .filter(|(row, _)| batch.fault.is_valid(*row))
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn every_record_of_the_text_dumps_is_decoded() {
    let mes = "OperationsManagement";
    let erp = "SCSupplyChain";
    let plans = contract(delimited("|", Some(b'"'), true), &["*ID", "Quantity", "Division"]);
    check(&format!("{mes}/PlansShiftWise/PlansShiftWise.csv"), &plans, 2369);
    let orders = columns(delimited("\t", None, false), 32);
    check(&format!("{mes}/Workorders/Workorders.csv"), &orders, 432);
    let results = columns(delimited(",", Some(b'"'), false), 23);
    check(&format!("{mes}/Results/Results.csv"), &results, 77142);
    let warehouse = columns(delimited(",", Some(b'"'), false), 41);
    check(&format!("{erp}/warehouse/warehouse.csv"), &warehouse, 12000);
    let production = contract(delimited("\t", Some(b'"'), true), &["*Line No_", "Division"]);
    check(&format!("{erp}/production/production.txt"), &production, 12000);
}

#[test]
fn every_record_of_the_token_dump_is_decoded() {
    let stamp = r"(?:\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}|\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}|\d{8} \d{2}-\d{2}-\d{2})";
    let pattern = format!(
        r"C\d{{3}}(?<ItemId>.*?)UU-(?<Description>.*?)nxklh2022.*?plantxi12.*?(?<Stamp>{stamp}).*"
    );
    let items = contract(Format::Tokens { pattern }, &["ItemId", "Description", "Stamp"]);
    check("OperationsManagement/Items/Items.txt", &items, 100);
}

#[test]
fn every_record_of_the_parquet_dumps_is_decoded() {
    let check = |key, contract: &Contract, records: usize| {
        let Some(path) = dump(key) else { return };
        let batches = parquet::decode(contract, std::fs::File::open(path).unwrap(), 8192).unwrap();
        let lengths = batches.map(|batch| batch.unwrap().len());
        assert_eq!(lengths.sum::<usize>(), records);
    };
    let item = columns(Format::Parquet, 25);
    check("SCSupplyChain/item/item.parquet", &item, 12000);
    let stages = contract(Format::Parquet, &["*id", "*Surface", "StartTime"]);
    check("OperationsManagement/RoutingStages/RoutingStages.parquet", &stages, 77142);
}
