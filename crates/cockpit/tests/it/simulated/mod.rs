//! The simulated plant: whatever is wrong with its dumps, gold contains what really happened, and every
//! dirty record is handled as the truth files predict.
//!
//! Four plants of each level of dirt are simulated, a number that a variable changes:
//!
//! ```text
//! COCKPIT_TEST_SEEDS=20 cargo test -p cockpit --test it simulated
//! ```

mod bounds;
mod hours;
mod restated;
mod shuffled;
pub mod site;
mod table;

use serde_json::Value;
use site::{Clock, Delivery, OF_MESSAGES, Site};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use table::Kinds;

/// The variable with the number of simulated plants.
const SEEDS_VARIABLE: &str = "COCKPIT_TEST_SEEDS";
const SEEDS: u64 = 4;
const LEVELS: [&str; 3] = ["none", "usual", "filthy"];
/// Runs side by side; each is a program of its own.
const SIDE_BY_SIDE: usize = 2;

#[expect(clippy::disallowed_methods, reason = "the number is given by the developer")]
fn seeds() -> u64 {
    std::env::var(SEEDS_VARIABLE).map_or(SEEDS, |number| number.parse().unwrap())
}

/// Half of the seeds work in Kerala, half where the clock is changed in the middle of it; half write
/// whole files, half daily ones.
fn site(seed: u64, level: &str) -> Site {
    let clock = if seed.is_multiple_of(2) { Clock::Steady } else { Clock::Changed };
    let delivery = if seed % 4 < 2 { Delivery::Whole } else { Delivery::Daily };
    Site::new(seed, level, clock, delivery)
}

#[test]
fn gold_is_the_truth_for_every_seed_and_every_dirt() {
    let runs = seeds() * LEVELS.len() as u64;
    let next = AtomicU64::new(0);
    let kinds = Mutex::new(Kinds::default());
    let compared: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let work = || {
        while let Some(run) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|run| *run < runs) {
            let level = LEVELS[usize::try_from(run % 3).unwrap()];
            let site = site(run / 3, level);
            site.ingest_late_files_last();
            site.holds_the_truth();
            kinds.lock().unwrap().add(&site.dirt());
            for (table, rows) in site.truth("truth") {
                *compared.lock().unwrap().entry(table).or_default() += rows.len();
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    let kinds = kinds.into_inner().unwrap();
    println!("{kinds}");
    assert_eq!(kinds.missing(), Vec::<&str>::new(), "these kinds were never injected");
    let compared = compared.into_inner().unwrap();
    compared.iter().for_each(|(table, rows)| println!("{table:<28}{rows:>8} rows"));
    let never: BTreeSet<_> = compared
        .iter()
        .filter_map(|(table, rows)| (*rows == 0).then_some(table.as_str()))
        .collect();
    assert_eq!(never, BTreeSet::from(OF_MESSAGES), "of these no row was compared");
}

#[test]
fn a_seed_is_a_plant_to_the_byte() {
    let [one, other] = [7, 7].map(|seed| Site::new(seed, "usual", Clock::Steady, Delivery::Whole));
    for file in ["OperationsManagement/Results/Results.csv", "SCSupplyChain/item/item.parquet"] {
        let [one, other] = [&one, &other].map(|site| site.dump(file));
        assert!(!one.is_empty() && one == other, "{file}");
    }
    assert_eq!(one.dirt(), other.dirt());
}

#[test]
fn one_kind_of_dirt_can_be_injected_alone() {
    let dirt = Site::with("none", &["duplicate=filthy"]).dirt();
    let is_duplicate = |spot: &Value| spot["kind"] == "duplicate";
    assert!(!dirt.is_empty() && dirt.iter().all(is_duplicate), "{dirt:?}");
    let site = Site::with("filthy", &["duplicate=none"]);
    let dirt = site.dirt();
    assert!(!dirt.is_empty() && !dirt.iter().any(is_duplicate));
}

#[test]
fn invalid_options_of_the_simulation_are_refused_with_the_reason() {
    let world = site::world();
    let refuse = |arguments: &[&str], words: &[&str]| {
        world.run(&[&["simulate", "--out", "out"], arguments].concat()).failure(words);
    };
    refuse(&["--dirt", "much"], &["`much`", "none, usual or filthy"]);
    refuse(&["--dirt", "mud=usual"], &["`mud`", "late_file"]);
    refuse(&["--days", "0"], &["at least one day"]);
}
