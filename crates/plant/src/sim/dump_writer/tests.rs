use super::*;
use crate::sim::faults::FaultLevel;
use crate::sim::site::tests::site;
use chrono_tz::Tz;

/// 2024-03-28, three days before clocks in Berlin are set forward.
const FIRST: i32 = 19_810;

/// Text of the dumps by file.
type Texts = BTreeMap<(Dump, Option<i32>), Vec<u8>>;

fn writer(level: FaultLevel, is_daily: bool) -> (DumpWriter, Texts) {
    let site = site(Tz::Europe__Berlin, &[("A", 6, 14), ("B", 14, 22), ("C", 22, 6)]);
    let options = DumpOptions { is_daily, faults: FaultInjector::new(level) };
    let mut writer = DumpWriter::new(site, FIRST, 4, options);
    let mut files = Texts::new();
    for part in writer.by_ref().flatten() {
        if let PartContent::Text(text) = part.content {
            files.entry((part.dump, part.day)).or_default().extend(text);
        }
    }
    (writer, files)
}

#[test]
fn every_line_has_the_columns_of_its_layout() {
    let (_, files) = writer(FaultLevel::None, false);
    for ((dump, _), text) in files {
        let about = dump.about();
        let Dialect::Delimited(delimiter) = about.dialect else { continue };
        let width = about.header.bytes().filter(|byte| *byte == delimiter).count();
        let text = String::from_utf8(text).unwrap();
        assert!(text.ends_with(about.line_end));
        for line in text.split_terminator(about.line_end) {
            let mut is_quoted = false;
            let delimits = |byte: &u8| {
                is_quoted ^= *byte == b'"';
                *byte == delimiter && !is_quoted
            };
            assert_eq!(line.as_bytes().iter().copied().filter(delimits).count(), width, "{line}");
        }
    }
}

#[test]
fn daily_and_whole_files_have_the_same_truth() {
    let truth = |is_daily| {
        let (writer, _) = writer(FaultLevel::None, is_daily);
        writer.truth.tables(&writer.world.site, FIRST + 4)
    };
    assert_eq!(truth(true), truth(false));
}

#[test]
fn faults_are_in_existing_records() {
    let (writer, _) = writer(FaultLevel::Filthy, false);
    for fault in &writer.injected {
        let read = writer.balances[&fault.dump].read;
        assert!(fault.record.is_none_or(|record| (1..=read).contains(&record)), "{fault:?}");
    }
    let rejected: u64 = writer.balances.values().map(|balance| balance.rejected).sum();
    let is_rejected = |fault: &&InjectedFault| matches!(fault.outcome, Outcome::Rejected { .. });
    assert_eq!(writer.injected.iter().filter(is_rejected).count() as u64, rejected);
    assert!(rejected > 100);
}
