//! Measures the speed of the anomaly detector:
//! `cargo run --release -p plant --example measure_anomaly`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]
#![expect(clippy::disallowed_methods, reason = "an example measures time")]

use plant::anomaly::Detector;
use plant::time::SECOND_US;
use std::time::Instant;

fn main() {
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
