use super::*;
use crate::chain::{Broken, BrokenReason};
use crate::encoding;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn log(length: i64) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for seq in 1..=length {
        let prev = entries.last().map_or_else(crate::chain::genesis, |it| it.hash.clone());
        let mut entry = Entry {
            seq,
            at_us: seq * 1_000,
            kind: "logged_in".to_owned(),
            actor: format!("user{seq}"),
            address: (seq % 2 == 0).then(|| "192.0.2.1".to_owned()),
            detail: format!(r#"{{"n":{seq}}}"#),
            prev: prev.clone(),
            hash: String::new(),
        };
        entry.hash = entry_hash(&prev, &entry.hashed_fields());
        entries.push(entry);
    }
    entries
}

fn anchor(entry: &Entry) -> Anchor {
    Anchor { seq: entry.seq, hash: entry.hash.clone() }
}

fn verify(entries: &[Entry], anchor: Option<&Anchor>, written: Option<i64>) -> Verified {
    let mut chain = Chain::new(anchor);
    for entry in entries {
        chain.check_next(entry);
    }
    chain.finish(written)
}

fn check(entries: &[Entry], seq: i64, reason: BrokenReason) {
    let found = verify(entries, None, Some(5));
    assert_eq!(found.broken, Some(Broken { seq, reason }));
    assert_eq!(found.entries, u64::try_from(seq - 1).unwrap());
}

#[test]
fn the_hash_is_the_documented_one() {
    let fields = HashedFields {
        seq: 1,
        at_us: 5,
        kind: "queried",
        actor: "anna",
        address: None,
        detail: r#"{"rows":1}"#,
    };
    let text = concat!(
        r#"{"actor":"anna","address":null,"at_us":5,"#,
        r#""detail":{"rows":1},"kind":"queried","seq":1}"#
    );
    let bytes = [&[0_u8; 32][..], text.as_bytes()].concat();
    assert_eq!(
        entry_hash(&crate::chain::genesis(), &fields),
        encoding::hex(&Sha256::digest(bytes))
    );
}

#[test]
fn an_untouched_log_is_in_order() {
    let entries = log(5);
    let found = verify(&entries, Some(&anchor(&entries[2])), Some(5));
    assert_eq!((found.entries, found.broken), (5, None));
    assert_eq!(found.anchor, Some(anchor(&entries[4])));
    assert_eq!(verify(&[], None, Some(0)).broken, None);
}

#[test]
fn every_way_to_tamper_names_the_first_broken_entry() {
    let changed = |change: fn(&mut Entry)| {
        let mut entries = log(5);
        change(&mut entries[2]);
        entries
    };
    check(&changed(|it| it.actor = "eve".into()), 3, BrokenReason::Changed);
    check(&changed(|it| it.at_us += 1), 3, BrokenReason::Changed);
    check(&changed(|it| it.kind = "logged_out".into()), 3, BrokenReason::Changed);
    check(&changed(|it| it.address = Some("192.0.2.9".into())), 3, BrokenReason::Changed);
    check(&changed(|it| it.detail = r#"{"n": 3}"#.into()), 3, BrokenReason::Changed);
    let resealed = changed(|it| {
        it.actor = "eve".into();
        it.hash = entry_hash(&it.prev, &it.hashed_fields());
    });
    check(&resealed, 4, BrokenReason::Unlinked);
    let mut removed = log(5);
    removed.remove(2);
    check(&removed, 3, BrokenReason::Missing);
    let mut swapped = log(5);
    swapped.swap(2, 3);
    check(&swapped, 3, BrokenReason::Missing);
    check(&log(5)[..3], 4, BrokenReason::CutOff);
    check(&[], 1, BrokenReason::CutOff);
}

#[test]
fn a_log_that_was_made_again_differs_from_the_anchor() {
    let anchor = Anchor { seq: 4, hash: "00".repeat(32) };
    let found = verify(&log(5), Some(&anchor), Some(5));
    assert_eq!(found.broken, Some(Broken { seq: 4, reason: BrokenReason::Replaced }));
    let later = Anchor { seq: 9, hash: "00".repeat(32) };
    let found = verify(&log(5), Some(&later), Some(5));
    assert_eq!(found.broken, Some(Broken { seq: 6, reason: BrokenReason::CutOff }));
}

#[test]
fn an_export_is_verified_from_where_it_begins() {
    let lines = |entries: &[Entry]| {
        entries.iter().map(|it| it.line() + "\n").collect::<String>().into_bytes()
    };
    let whole = verify_export(&lines(&log(5))[..], None).unwrap();
    assert_eq!((whole.entries, whole.broken), (5, None));
    let part = verify_export(&lines(&log(5)[2..])[..], None).unwrap();
    assert_eq!((part.entries, part.broken), (3, None));
    let text = String::from_utf8(lines(&log(5))).unwrap();
    let changed = text.replacen(r#"{"n":4}"#, r#"{"n":7}"#, 1);
    let found = verify_export(changed.as_bytes(), None).unwrap();
    assert_eq!(found.broken, Some(Broken { seq: 4, reason: BrokenReason::Changed }));
    assert!(verify_export(&b"no entry\n"[..], None).is_err());
}

proptest! {
    #[test]
    fn a_changed_byte_anywhere_is_found(at in 0_usize..3_000, byte in 1_u8..127) {
        let mut text = log(5).iter().map(|it| it.line() + "\n").collect::<String>().into_bytes();
        prop_assume!(at < text.len() && text[at] != byte);
        text[at] = byte;
        // Bytes of the first `prev` are covered too, since a log begins with zeros.
        let found = verify_export(&text[..], Some(&anchor(&log(5)[4])));
        prop_assert!(found.is_err() || found.unwrap().broken.is_some());
    }
}
