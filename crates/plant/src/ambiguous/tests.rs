use super::*;
use crate::time::HOUR_S;
use crate::zone::ZoneTable;
use chrono_tz::Tz;
use proptest::prelude::*;
use std::sync::LazyLock;

static BERLIN: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::Europe__Berlin));
/// 2024-10-27 00:00:00 UTC: local time in Berlin is 02:00, and clocks are set back an hour later.
const BEGIN_S: i64 = 1_729_987_200;

fn repeat() -> Repeat {
    Repeat { from_local_s: BEGIN_S + 2 * HOUR_S, to_local_s: BEGIN_S + 3 * HOUR_S }
}

/// Expected result per time of one group (`hh:mm`): second pass (`2`), first pass (`1`), undecided
/// and assigned to the second (`?`) or the first (`-`), not ambiguous (`.`).
fn check(times: &str, expected: &str) {
    check_groups(&times.split(' ').map(|time| (0, time)).collect::<Vec<_>>(), expected);
}

fn check_groups(times: &[(u64, &str)], expected: &str) {
    check_column(times, TimeColumn { is_key: true, is_sorted: true }, expected);
}

fn check_column(times: &[(u64, &str)], column: TimeColumn, expected: &str) {
    let reading = |(group, time): &(u64, &str)| {
        let (hour, minute) = time.split_once(':').unwrap();
        let (hour, minute): (i64, i64) = (hour.parse().unwrap(), minute.parse().unwrap());
        LocalReading { group: *group, local_s: BEGIN_S + hour * HOUR_S + minute * 60 }
    };
    let readings: Vec<LocalReading> = times.iter().map(reading).collect();
    let sign = |pass: &Option<Pass>| match pass {
        None => '.',
        Some(Pass { is_second: true, is_certain: true }) => '2',
        Some(Pass { is_second: false, is_certain: true }) => '1',
        Some(Pass { is_second: true, is_certain: false }) => '?',
        Some(Pass { is_second: false, is_certain: false }) => '-',
    };
    let got: String = passes(repeat(), &readings, column).iter().map(sign).collect();
    assert_eq!(got, expected, "{times:?}");
}

#[test]
fn a_step_back_starts_the_second_pass() {
    check("01:00 01:30 02:00 02:30 02:00 02:30 03:00 03:30", "..1122..");
    check("02:00 02:30 02:00 02:30", "1122");
    check("00:00 01:00 02:00 02:00 03:00 04:00", "..12..");
    check("01:15 02:00 02:45 02:30 03:15", ".112.");
    check("03:30 03:00 02:30 02:00 02:30 02:00 01:30 01:00", "..2211..");
    check("04:00 03:00 02:00 02:00 01:00", "..21.");
}

#[test]
fn a_single_pass_is_resolved_by_its_neighbors() {
    check("01:00 01:30 02:00 02:30", "..11");
    check("02:00 02:30 03:00 03:30", "22..");
    check("-1:00 0:00 01:00 02:00", "...1");
    check("00:00 01:00 02:00", "..-");
    check("02:00 03:00 04:00 05:00", "2...");
    check("01:00 01:30 02:00 02:30 03:00 03:30", "..--..");
    check("02:17", "-");
    check("00:10 02:17 05:40", ".-.");
}

#[test]
fn disorder_is_not_a_second_pass() {
    check("02:10 02:09", "--");
    check("01:10 01:09 01:11 02:10 02:09 02:11 03:10", "...---.");
    check("02:50 01:10 02:10 04:00 00:30", "-.-..");
    check("02:30 02:00 02:30 01:00 02:00 03:00", "--?.?.");
}

#[test]
fn groups_are_resolved_separately() {
    let (one, two) = (1, 2);
    check_groups(
        &[
            (one, "01:00"),
            (one, "02:00"),
            (one, "02:00"),
            (one, "03:00"),
            (two, "01:00"),
            (two, "02:00"),
            (two, "02:00"),
            (two, "03:00"),
        ],
        ".12..12.",
    );
    check_groups(
        &[(one, "01:00"), (two, "01:00"), (one, "02:00"), (two, "02:00"), (two, "03:00")],
        "..--.",
    );
    let boards = ["01:40", "02:00", "02:20", "02:40", "02:05", "02:25", "02:45", "03:05"];
    let boards: Vec<(u64, &str)> = (0..).zip(boards).collect();
    check_groups(&boards, ".111222.");
}

#[test]
fn a_record_written_twice_is_not_a_second_reading() {
    let boards = [(7, "01:40"), (8, "02:20"), (8, "02:20"), (9, "03:05")];
    check_column(&boards, TimeColumn { is_key: false, is_sorted: true }, ".--.");
    check_column(&boards, TimeColumn { is_key: true, is_sorted: true }, ".12.");
    let boards = [(7, "01:40"), (8, "02:50"), (9, "02:10"), (10, "02:30"), (11, "03:05")];
    check_column(&boards, TimeColumn { is_key: false, is_sorted: true }, ".122.");
    check_column(&boards, TimeColumn { is_key: false, is_sorted: false }, ".---.");
}

proptest! {
    #[test]
    fn what_a_clock_showed_is_dated_again(
        step_min in proptest::sample::select(vec![1_i64, 5, 10, 15, 20, 30, 60]),
        phase_min in 0..60_i64,
        groups in 1..4_u64,
        is_by_group in any::<bool>(),
        is_descending in any::<bool>(),
    ) {
        let moments = (-3 * 60 + phase_min..5 * 60).step_by(usize::try_from(step_min).unwrap());
        let mut records: Vec<(u64, i64)> = Vec::new();
        for minute in moments {
            records.extend((0..groups).map(|group| (group, BEGIN_S + minute * 60)));
        }
        if is_by_group {
            records.sort_by_key(|(group, _)| *group);
        }
        if is_descending {
            records.reverse();
        }
        let local_s = |at_s: i64| at_s + i64::from(BERLIN.offset_s(at_s));
        let readings: Vec<LocalReading> = records
            .iter()
            .map(|(group, at_s)| LocalReading { group: *group, local_s: local_s(*at_s) })
            .collect();
        for ((_, at_s), pass) in records.iter().zip(passes(repeat(), &readings, TimeColumn { is_key: true, is_sorted: true })) {
            let first_s = BERLIN.utc_s(local_s(*at_s)).unwrap();
            let expected = repeat().contains(local_s(*at_s)).then_some(Pass {
                is_second: *at_s != first_s,
                is_certain: true,
            });
            prop_assert_eq!(pass, expected, "{}", at_s);
        }
    }

    #[test]
    fn any_times_have_a_pass_each(
        times in proptest::collection::vec((0..3_u64, -7200..14_400_i64), 0..40),
        is_key in any::<bool>(),
        is_sorted in any::<bool>(),
    ) {
        let readings: Vec<LocalReading> = times
            .iter()
            .map(|(group, after_s)| LocalReading { group: *group, local_s: BEGIN_S + 2 * HOUR_S + after_s })
            .collect();
        let passes = passes(repeat(), &readings, TimeColumn { is_key, is_sorted });
        prop_assert_eq!(passes.len(), readings.len());
        for (reading, pass) in readings.iter().zip(passes) {
            prop_assert_eq!(pass.is_some(), repeat().contains(reading.local_s));
        }
    }
}
