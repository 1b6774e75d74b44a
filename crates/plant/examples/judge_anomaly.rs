//! Judges the anomaly detector and the baselines on simulated faults:
//! `cargo run --release -p plant --example judge_anomaly`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use plant::anomaly::judge::{Charts, JudgedSize, Judgement, Ours, chance, judge};
use plant::time::SECOND_US;

/// Seeds that were used while the detector was tuned, and others.
const TUNING: [u64; 4] = [1, 2, 3, 4];
const JUDGING: [u64; 4] = [101, 102, 103, 104];

const SIZE: JudgedSize = JudgedSize { sensors: 10, weeks: 4, interval_us: 10 * SECOND_US };

/// Weight of the newest reading in the control chart: of 0.3, 0.1, 0.03, 0.01 and 0.003 the one with
/// the best recall on the tuning seeds.
const WEIGHT: f64 = 0.1;

fn main() {
    let seeds = (&TUNING[..], &JUDGING[..]);
    print("ours, tuning seeds", &judge(|_, _| Ours::default(), (&TUNING, &TUNING), &SIZE));
    print("ours", &judge(|_, _| Ours::default(), seeds, &SIZE));
    print("EWMA", &judge(|_, _| Charts::new(WEIGHT), seeds, &SIZE));
    print("random", &judge(chance, seeds, &SIZE));
}

fn print(name: &str, verdict: &Judgement) {
    let Judgement { threshold, false_alarms, false_alarms_faulty, found } = verdict;
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
