use super::*;
use proptest::prelude::*;

fn check(pattern: &str, key: &str, expected: Option<Option<&str>>) {
    let found = Pattern::parse(pattern).unwrap().matches(key);
    let got = found.map(|found| found.dumped_on.map(|at| at.format("%F %H").to_string()));
    assert_eq!(got, expected.map(|at| at.map(str::to_owned)), "{pattern} {key}");
}

#[test]
fn plain_keys() {
    check("data/Items.txt", "data/Items.txt", Some(None));
    check("data/Items.txt", "data/Items.txt.gz", Some(None));
    check("data/Items.txt", "data/Items.txt.zst", Some(None));
    check("data/Items.txt.gz", "data/Items.txt.gz", Some(None));
    check("data/Items.txt", "data/Items.txt.gz.gz", None);
    check("data/Items.txt", "data/Items.txt2", None);
    for ending in [".GZ", ".gzip", ".bz2", ".xz", ".zip", ".Zst", ".zstd"] {
        check("data/Items.txt", &format!("data/Items.txt{ending}"), Some(None));
    }
    check("data/Items.txt", "data/Items.txt.Z", None);
    check("data/Items.txt", "data/Items", None);
    check("data/Items.txt", "old/data/Items.txt", None);
}

#[test]
fn stars_stay_in_their_folder() {
    check("a/*.csv", "a/b.csv", Some(None));
    check("a/*.csv", "a/.csv", None);
    check("a/*.csv", "a/b/c.csv", None);
    check("a/*/c_*.csv", "a/ü/c_1.csv.gz", Some(None));
    check("a/*a*b.csv", "a/aaxabb.csv", Some(None));
    check("**", "ab", Some(None));
}

#[test]
fn dates_are_read_from_the_key() {
    check("a/{date}/b", "a/2024-02-29/b", Some(Some("2024-02-29 00")));
    check("a/{date}/b", "a/2023-02-29/b", None);
    check("a/{date}/b", "a/2023_02_28/b", None);
    check("a_{yyyymmdd}{hh}.csv", "a_2023020117.csv", Some(Some("2023-02-01 17")));
    check("a_{yyyymmdd}{hh}.csv", "a_2023020124.csv", None);
    check("{yyyy}/{mm}/{dd}/x", "2023/01/31/x", Some(Some("2023-01-31 00")));
    check("{yyyy}/{mm}/x", "2023/12/x", Some(Some("2023-12-01 00")));
    check("{yyyy}/{mm}/x", "2023/13/x", None);
    check("*_{yyyymmdd}_*.csv", "a_b_20230131_7.csv", Some(Some("2023-01-31 00")));
    check("{yyyy}/r_{date}.csv", "2023/r_2023-05-06.csv", Some(Some("2023-05-06 00")));
    check("{yyyy}/r_{date}.csv", "2022/r_2023-05-06.csv", None);
    check("*{date}", "99992023-05-06", Some(Some("2023-05-06 00")));
    check("{yyyy}", "+023", None);
}

fn check_hidden(pattern: &str, key: &str, is_hidden: bool) {
    let pattern = Pattern::parse(pattern).unwrap();
    assert_eq!(pattern.matches(key).is_none(), is_hidden, "{pattern} {key}");
    assert_eq!(pattern.hides(key), is_hidden, "{pattern} {key}");
}

#[test]
fn hidden_names_match_only_if_explicit() {
    check_hidden("made/*/*.csv", "made/_temporary/a.csv", true);
    check_hidden("made/*", "made/_SUCCESS", true);
    check_hidden("made/*", "made/.part-0.crc", true);
    check_hidden("made/*.csv", "made/.a.csv.gz", true);
    check_hidden("_made/*.csv", "_made/a.csv", false);
    check_hidden("made/_*.csv", "made/_a.csv", false);
    check_hidden("made/_*.csv", "made/_._.csv", false);
    check_hidden("*/a.csv", ".x/a.csv", true);
    check_hidden("made/{part}.csv", "made/a_b.csv", false);
}

#[test]
fn compression_extensions_have_a_minimum_size() {
    let minimum =
        |key: &str| Pattern::parse("a.csv").unwrap().matches(key).map(|found| found.size_bytes_min);
    assert_eq!(minimum("a.csv"), Some(0));
    assert_eq!(minimum("a.csv.gz"), Some(0));
    assert_eq!(minimum("a.csv.GZ"), Some(18));
    assert_eq!(minimum("a.csv.bz2"), Some(14));
    assert_eq!(minimum("a.csv.rar"), None);
}

fn check_part(pattern: &str, key: &str, name: &str, expected: Option<&str>) {
    let pattern = Pattern::parse(pattern).unwrap();
    assert_eq!(pattern.part(key, name).as_deref(), expected, "{pattern} {key} {name}");
    assert!(expected.is_none() || pattern.may_name(name), "{pattern} {name}");
}

#[test]
fn parts_of_a_key_are_captured() {
    check_part("{line}/a.csv", "SMT 1/a.csv", "line", Some("SMT 1"));
    check_part("{line}/a.csv", "SMT%201/a.csv", "line", Some("SMT%201"));
    check_part("x/{line}_{cell}.csv", "x/a_b_c.csv.gz", "line", Some("a"));
    check_part("x/{line}_{cell}.csv", "x/a_b_c.csv.gz", "cell", Some("b_c"));
    check_part("x/{cell}_{date}.csv", "x/ü_2024-01-02.csv", "date", Some("2024-01-02"));
    check_part("x/a{cell}.csv", "x/a.csv", "cell", None);
    check_part("x/{cell}.csv", "y/b.csv", "cell", None);
}

#[test]
fn hive_folders_name_their_values() {
    check_part("made/*/*.csv", "made/line=SMT%201/a.csv", "line", Some("SMT 1"));
    check_part("made/*/*.csv", "made/line=SMT 2/a.csv", "line", Some("SMT 2"));
    check_part("made/line={l}/*.csv", "made/line=a%2Fb/a.csv", "l", Some("a/b"));
    check_part("made/line=*/x.csv", "made/line=100%/x.csv", "line", Some("100%"));
    check_part("made/*/x.csv", "made/line=__HIVE_DEFAULT_PARTITION__/x.csv", "line", None);
    check_part("made/*/x.csv", "made/line=/x.csv", "line", None);
    check_part("made/*/x.csv", "made/other=1/x.csv", "line", None);
    check_part("made/*/*", "made/a=1/line=x.csv", "line", None);
    assert!(!Pattern::parse("made/x_*.csv").unwrap().may_name("line"));
}

fn check_refused(pattern: &str, expected: &str) {
    let error = Pattern::parse(pattern).unwrap_err();
    assert!(error.contains(expected) && error.contains("{yyyymmdd}"), "{error}");
}

#[test]
fn invalid_patterns_are_described() {
    check_refused("", "must be the path of a file");
    check_refused("/a", "not start with /");
    check_refused("a/", "must be the path of a file");
    check_refused("a/{Day}", "has {Day}, which is unknown");
    check_refused("a/{}", "has {}, which is unknown");
    check_refused("a//b", "has an empty name");
    check_refused("a/../b", "has an empty name");
    check_refused("{a}/x{a}", "captures {a} twice");
    check_refused("{a}*", "right beside {a}");
    check_refused("x{a}{b}", "right beside {a}");
    check_refused("a/{date", "never closes it");
    check_refused("a/date}", "never opened");
    check_refused("{yyyy}/{hh}", "has an hour but no day");
    check_refused("{mm}", "has a month but no year");
}

#[test]
fn the_prefix_is_the_folder_before_the_first_placeholder() {
    for (pattern, prefix) in [
        ("data/a/b.csv", "data/a/"),
        ("data/a/{date}/b.csv", "data/a/"),
        ("data/a_*/b.csv", "data/"),
        ("{date}.csv", ""),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().prefix(), prefix, "{pattern}");
    }
}

/// The same question answered by trying everything.
fn slow_match(pattern: &[char], key: &[char]) -> bool {
    match (pattern, key) {
        ([], _) => key.is_empty(),
        (['*', rest @ ..], _) => {
            let longer = !key.is_empty() && key[0] != '/' && slow_match(pattern, &key[1..]);
            longer || slow_match(rest, key)
        }
        ([a, pattern @ ..], [b, key @ ..]) => a == b && slow_match(pattern, key),
        _ => false,
    }
}

proptest! {
    #[test]
    fn stars_match_like_exhaustive_search(pattern in "[ab/*]{1,9}", key in "[ab/]{0,12}") {
        let Ok(parsed) = Pattern::parse(&pattern) else { return Ok(()) };
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(parsed.matches(&key).is_some(), slow_match(&chars(&pattern), &chars(&key)));
        prop_assert!(parsed.matches(&key).is_none() || key.starts_with(parsed.prefix()));
        prop_assert_eq!(parsed.to_string(), pattern);
    }

    #[test]
    fn a_formatted_date_is_parsed_back(day in 0i32..40_000, hour in 0u32..24, tail in "[a-z]{0,5}") {
        let at = NaiveDate::from_epoch_days(day).unwrap().and_hms_opt(hour, 0, 0).unwrap();
        for (pattern, format) in [("{date}/{hh}*", "%Y-%m-%d/%H"), ("x{yyyymmdd}{hh}*", "x%Y%m%d%H")] {
            let key = at.format(format).to_string() + &tail;
            let found = Pattern::parse(pattern).unwrap().matches(&key);
            prop_assert_eq!(found, Some(Match { dumped_on: Some(at), size_bytes_min: 0 }));
        }
    }

    #[test]
    fn no_text_causes_a_panic(pattern in ".{0,20}", key in ".{0,40}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let _found = (pattern.matches(&key), pattern.hides(&key), pattern.part(&key, "a"));
        }
    }
}

#[test]
fn part_files_have_a_variable_folder() {
    for (pattern, expected) in [
        ("a/{date}/*.csv", true),
        ("a/*/part-*.parquet", true),
        ("a/*/stock.csv", false),
        ("a/stock_*.csv", false),
        ("*.csv", false),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().has_part_files(), expected, "{pattern}");
    }
}
