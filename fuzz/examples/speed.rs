//! Measures the throughput of the decoders in bytes of the dump per second of one core.
//!
//! ```text
//! cargo run --release --example speed
//! ```
#![expect(clippy::print_stdout, reason = "prints the result")]

use cockpit_fuzz::batch::BatchBuilder;
use cockpit_fuzz::decode::{DecodeError, DecodeLimits, Decoder};
use cockpit_fuzz::promise::contract;
use plant::contract::{Contract, Encoding, Escape, Format};
use std::time::Duration;

/// Size of the text for each decoder.
const TEXT_BYTES: usize = 200_000_000;
/// Size of its chunks, and of the batches taken after each.
const CHUNK_BYTES: usize = 1 << 20;

const BOARD: &str = "1,0,W-749816B-29700287348_12,W-749816B-29700287348,W-749816,\
    W-749816B-29700287348,W-749816B-29700287348,EEAgent,0,2022-06-01 17:02:00,\
    2022-06-01 17:02:00,0,,0,0,EE-0001,,,,,,,\n";
const ENTRY: &str = "3,,10000,30-05-2021,SEZ2,IGS,IGS,\"RoHS,Label, 4X6 inch\",147831,0,0,39,1,\
    RM-MIC-0003,9340000,12347,5,PURCHASES,,WR-P,RECEIVE,238,116,\n";
const READING: &str = "{\"plant_name\": \"Plant1\", \"lane_number\": \"1\", \
    \"timestamp\": \"1673518974\", \"temperature\": \"47.93\", \"component_info\": \
    {\"component_type\": \"printer\", \"component_manufacturer\": \"manufact2\"}}\n";
const READING_PATHS: [&str; 6] = [
    "plant_name",
    "lane_number",
    "timestamp",
    "temperature",
    "component_info.component_type",
    "component_info.component_manufacturer",
];

fn main() -> Result<(), DecodeError> {
    let csv = columns(delimited(","));
    measure("delimited", &csv, BOARD)?;
    measure("delimited, a quote a line", &csv, ENTRY)?;
    let encoded = |name| Contract { encoding: Encoding::Named(name), ..csv.clone() };
    measure("delimited, windows-1252", &encoded("windows-1252"), BOARD)?;
    measure("delimited, Shift_JIS", &encoded("Shift_JIS"), BOARD)?;
    measure("delimited by ||", &columns(delimited("||")), &BOARD.replace(',', "||"))?;
    measure("fixed width", &columns(Format::Fixed { header: false }), BOARD)?;
    measure("JSON lines", &contract(Format::JsonLines, &READING_PATHS), READING)
}

fn delimited(delimiter: &str) -> Format {
    let (delimiter, escape) = (delimiter.to_owned(), Escape::Detect);
    Format::Delimited { delimiter, quote: Some(b'"'), escape, header: false }
}

fn columns(format: Format) -> Contract {
    contract(format, &["column__"; 23])
}

fn measure(what: &str, contract: &Contract, line: &str) -> Result<(), DecodeError> {
    let chunk = line.repeat(CHUNK_BYTES / line.len());
    let chunks = TEXT_BYTES / chunk.len();
    let started = cpu_time();
    let mut decoder = Decoder::new(contract, DecodeLimits::default())?;
    let mut out = BatchBuilder::new(contract.columns.len());
    for _ in 0..chunks {
        decoder.feed(chunk.as_bytes(), &mut out)?;
        drop(out.take());
    }
    decoder.finish(&mut out)?;
    let seconds = (cpu_time() - started).as_secs_f64();
    let megabytes = (chunks * chunk.len()) as f64 / 1e6;
    println!("{what}: {:.0} MB/s, {} records", megabytes / seconds, out.records());
    Ok(())
}

/// CPU time of this thread, which does not depend on other load of the machine; zero where the system does not
/// report it.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
