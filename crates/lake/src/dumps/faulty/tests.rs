use super::*;
use config::folder;

const POLICY: FaultPolicy = FaultPolicy { judged_records: 20, line_chars: 5 };

fn contract(reject_at_most: Option<f64>) -> Contract {
    let (plant, found) = folder::read(&folder::texts(None).unwrap());
    assert!(found.is_empty(), "{found:?}");
    let contract = plant.unwrap().contracts.remove("workorders").unwrap();
    Contract { reject_at_most, ..contract }
}

#[test]
fn a_share_of_rejected_records_is_judged_only_with_enough_records() {
    let check = |limit, records, rejected, is_faulty| {
        let found = POLICY.is_faulty(&contract(limit), records, rejected);
        assert_eq!(found, is_faulty, "{rejected} of {records}, {limit:?}");
    };
    check(None, 1, 1, true);
    check(None, 3, 3, true);
    check(None, 3, 2, false);
    check(None, 20, 4, false);
    check(None, 20, 5, true);
    check(None, 1000, 1000, true);
    check(None, 0, 0, false);
    check(Some(0.0), 3, 1, true);
    check(Some(0.0), 3, 0, false);
    check(Some(0.5), 100, 50, false);
    check(Some(0.5), 3, 2, true);
    check(Some(0.5), 3, 3, true);
    check(Some(1.0), 3, 3, false);
}

#[test]
fn a_long_record_is_truncated() {
    assert_eq!(shortened("ab\ncd", 5), "ab cd");
    assert_eq!(shortened("abcdef", 5), "abcde…");
}
