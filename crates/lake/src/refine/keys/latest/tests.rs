use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

/// A record: key, rank of its dump (0 is newest), number.
type Seed = (u8, u32, u32);

/// The key with this number: in any of the partitions.
fn key(number: u8) -> Key {
    u128::from(number).wrapping_mul(u128::MAX / 251)
}

/// The records that count after all of these were read, with at most `max_keys` in memory. Certain and uncertain
/// ones are written to files 0 and 1.
fn counting(records: &[Seed], max_keys: usize) -> Vec<Seed> {
    let mut latest = LatestByKey::new(max_keys);
    let mut written: [Vec<Seed>; 2] = Default::default();
    for record in records {
        let rank = Rank { dump: record.1, record: record.2 };
        let file = match latest.look_up(key(record.0), rank) {
            Seen::Older => continue,
            Seen::Newest => 0,
            Seen::Uncertain => 1,
        };
        let row = u32::try_from(written[file].len()).unwrap();
        let at = Written { file: u32::try_from(file).unwrap(), row };
        latest.insert(key(record.0), rank, at);
        written[file].push(*record);
        latest.spill_if_full().unwrap();
    }
    let compared = latest.finish().unwrap().compare().unwrap();
    let withdrawn = compared.finish().unwrap().unwrap().withdrawn;
    let mut found = Vec::new();
    for (file, rows) in (0..).zip(&written) {
        let is_left = |row: u32| withdrawn.get(&file).is_none_or(|it| !it.contains(row));
        found.extend((0..).zip(rows).filter(|(row, _)| is_left(*row)).map(|(_, record)| *record));
    }
    found.sort_unstable();
    found
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let records = prop::collection::vec((0..6_u8, 0..4_u32, 0..5_u32), 1..40);
    // No dump has a record twice.
    records.prop_map(|records| {
        let mut seen = HashSet::new();
        records.into_iter().filter(|it| seen.insert(*it)).collect()
    })
}

proptest! {
    #[test]
    fn the_last_record_of_the_newest_dump_counts(records in seeds(), max_keys in 1_usize..8) {
        let mut expected: BTreeMap<u8, Seed> = BTreeMap::new();
        for record in &records {
            let is_newer = |known: &Seed| {
                (record.1, std::cmp::Reverse(record.2)) < (known.1, std::cmp::Reverse(known.2))
            };
            if expected.get(&record.0).is_none_or(is_newer) {
                expected.insert(record.0, *record);
            }
        }
        let expected: Vec<Seed> = expected.into_values().collect();
        prop_assert_eq!(counting(&records, max_keys), expected.clone());
        prop_assert_eq!(counting(&records, usize::MAX), expected);
    }

    #[test]
    fn rows_of_the_table_are_judged_alike_in_memory_and_on_disk(
        records in seeds(),
        old in prop::collection::vec((0..9_u8, 0..5_u32, prop::bool::weighted(0.1)), 0..9),
        max_keys in 1_usize..8,
    ) {
        let mut seen = HashSet::new();
        let old: Vec<_> = old.into_iter().filter(|it| seen.insert(it.0)).collect();
        let compare = |max_keys: usize| {
            let mut latest = LatestByKey::new(max_keys);
            for (row, record) in (0..).zip(&records) {
                let rank = Rank { dump: record.1, record: record.2 };
                if latest.look_up(key(record.0), rank) != Seen::Older {
                    latest.insert(key(record.0), rank, Written { file: 0, row });
                    latest.spill_if_full().unwrap();
                }
            }
            let mut comparison = latest.finish().unwrap().compare().unwrap();
            for (row, (number, newer_dumps, is_void)) in (0..).zip(&old) {
                let at = Written { file: 0, row };
                let row = OldRow { at, newer_dumps: *newer_dumps, is_void: *is_void };
                comparison.add(key(*number), row).unwrap();
            }
            comparison.finish().unwrap()
        };
        let (on_disk, in_memory) = (compare(max_keys), compare(usize::MAX));
        prop_assert_eq!(on_disk.is_some(), in_memory.is_some());
        if let (Some(on_disk), Some(in_memory)) = (on_disk, in_memory) {
            prop_assert_eq!(on_disk.superseded, in_memory.superseded);
            // More rows were written on the way to disk, so more of them are withdrawn.
            for (file, rows) in in_memory.withdrawn {
                let also = on_disk.withdrawn.get(&file).cloned().unwrap_or_default();
                prop_assert!((0..40).all(|row| !rows.contains(row) || also.contains(row)));
            }
        }
    }
}
