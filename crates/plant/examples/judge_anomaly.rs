//! Judges the anomaly detector and the baselines on simulated faults, and measures its speed.
//!
//! `cargo run --release -p plant --example judge_anomaly [tune|judge|speed]`

#![expect(clippy::print_stdout, reason = "an example prints its result")]
#![expect(clippy::disallowed_methods, reason = "an example measures time")]

use plant::anomaly::Detector;
use plant::anomaly::judge::{Charts, Ours, Size, Verdict, chance, judge};
use plant::time::SECOND_US;
use std::time::Instant;

/// Seeds that were used while the detector was tuned, and others.
const TUNING: [u64; 4] = [1, 2, 3, 4];
const JUDGING: [u64; 4] = [101, 102, 103, 104];

const SIZE: Size = Size { sensors: 10, weeks: 4, interval_us: 10 * SECOND_US };

/// Weights of the control chart; the best one on the tuning seeds is 0.1.
const WEIGHTS: [f64; 5] = [0.3, 0.1, 0.03, 0.01, 0.003];
const WEIGHT: f64 = 0.1;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("tune") => print("ours", &judge(|_, _| Ours::default(), (&TUNING, &TUNING), &SIZE)),
        Some("charts") => {
            for weight in WEIGHTS {
                let chart = judge(|_, _| Charts::new(weight), (&TUNING, &TUNING), &SIZE);
                print(&format!("EWMA {weight}"), &chart);
            }
        }
        Some("speed") => measure(),
        _ => {
            let seeds = (&TUNING[..], &JUDGING[..]);
            print("ours", &judge(|_, _| Ours::default(), seeds, &SIZE));
            print("EWMA", &judge(|_, _| Charts::new(WEIGHT), seeds, &SIZE));
            print("random", &judge(chance, seeds, &SIZE));
        }
    }
}

fn print(name: &str, verdict: &Verdict) {
    let Verdict { threshold, false_alarms, false_alarms_faulty, found } = verdict;
    println!(
        "{name}: threshold {threshold:.4}, false alarms per sensor and week {false_alarms:.2}, \
         beside faults {false_alarms_faulty:.2}"
    );
    for it in found {
        let recall = it.found as f64 / it.faults as f64 * 100.0;
        let delay_s = it.delay_s.map_or("-".to_owned(), |it| format!("{it:.0} s"));
        println!(
            "  {:18} {:4} faults, found {recall:5.1} %, after {delay_s}",
            it.kind.name(),
            it.faults
        );
    }
}

fn measure() {
    let mut detector = Detector::new();
    let count = 10_000_000_i64;
    let begun = Instant::now();
    let mut sum = 0.0;
    for at in 0..count {
        let value = 40.0 + (at % 8640) as f64 / 1000.0 + (at * 7919 % 101) as f64 / 500.0;
        sum += detector.take(at * 10 * SECOND_US, value).map_or(0.0, |it| it.score);
    }
    let took_s = begun.elapsed().as_secs_f64();
    println!(
        "{:.2} million readings per second, {} bytes per sensor, sum of scores {sum:.1}",
        count as f64 / took_s / 1e6,
        size_of::<Detector>()
    );
}
