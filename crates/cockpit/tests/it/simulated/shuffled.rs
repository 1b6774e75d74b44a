//! The order and form of dumps do not change gold.

use super::site::{Clock, Delivery, Site};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

fn cases(count: u32) -> Config {
    Config {
        cases: count,
        max_shrink_iters: 8,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn dumps_may_come_in_any_order(
        seed in 100..1_000_u64,
        order in prop::collection::vec(0..4_usize, 64),
    ) {
        let site = Site::new(seed, "filthy", Clock::Steady, Delivery::Daily);
        let files = site.files();
        let round = |at: usize| order[at % order.len()];
        files.iter().for_each(|file| site.take(file));
        for number in 0..4 {
            let now = files.iter().enumerate().filter(|(at, _)| round(*at) == number);
            now.for_each(|(_, file)| site.deliver(file));
            site.ingest();
        }
        site.holds_the_truth();
    }

    #[test]
    fn daily_dumps_equal_whole_ones(seed in 1_000..2_000_u64) {
        let whole = Site::new(seed, "none", Clock::Changed, Delivery::Whole);
        let daily = Site::new(seed, "none", Clock::Changed, Delivery::Daily);
        prop_assert_eq!(whole.truth("truth"), daily.truth("truth"));
        whole.ingest();
        whole.gold_is("truth");
        daily.ingest();
        daily.gold_is("truth");
    }

    #[test]
    fn ingesting_twice_changes_nothing(seed in 2_000..3_000_u64) {
        let site = Site::new(seed, "filthy", Clock::Changed, Delivery::Whole);
        site.ingest();
        site.ingest();
        site.holds_the_truth();
    }
}
