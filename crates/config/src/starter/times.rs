//! Formats of days and times, found by the parser that reads them later.

use plant::format::{TimeFormat, parse_date};

/// Formats of days; where a text fits several, the first counts.
const DATES: [&str; 9] = [
    "yyyy-MM-dd",
    "dd.MM.yyyy",
    "dd/MM/yyyy",
    "MM/dd/yyyy",
    "dd-MM-yyyy",
    "yyyy/MM/dd",
    "d.M.yyyy",
    "d/M/yyyy",
    "M/d/yyyy",
];
/// Formats of the time after a day.
const TIMES: [&str; 3] = ["HH:mm:ss", "HH:mm", "HH:mm:ss.SSS"];
/// Separators of day and time.
const BETWEEN: [&str; 2] = [" ", "T"];
/// Offsets after the time.
const OFFSETS: [&str; 2] = ["", "XXX"];
/// Without signs between the fields.
const DENSE: [&str; 2] = ["yyyyMMdd", "yyyyMMddHHmmss"];
/// Days since 1900 as spreadsheets write them; only beside other formats, since these are numbers.
const EXCEL: &str = "excel";
/// Formats of one column.
const FORMATS_MAX: usize = 4;

/// A format, and its parser.
struct Candidate {
    text: String,
    format: TimeFormat,
}

impl Candidate {
    fn new(text: &str) -> Option<Self> {
        Some(Self { text: text.to_owned(), format: TimeFormat::parse(text).ok()? })
    }

    fn fits(&self, value: &str) -> bool {
        parse_date(value, std::slice::from_ref(&self.format)).is_ok()
    }

    fn has_time(&self) -> bool {
        self.text.contains('H')
    }

    /// Whether the day precedes the month, if the order is ambiguous.
    fn is_day_first(&self) -> Option<bool> {
        let day = self.text.find('d')?;
        let month = self.text.find('M')?;
        (self.text.contains('/')).then_some(day < month)
    }
}

/// Formats that together fit the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FittingFormats {
    pub formats: Vec<String>,
    /// Whether one of them has a time of day.
    pub has_time: bool,
}

/// The formats that together fit all values; `None` if there are none.
pub fn time_formats(values: &[&str]) -> Option<FittingFormats> {
    let first = values.first()?;
    let candidates = candidates();
    if !candidates.iter().any(|it| it.fits(first)) {
        return None;
    }
    let mut chosen: Vec<&Candidate> = Vec::new();
    let mut left: Vec<&str> = values.to_vec();
    let excel = Candidate::new(EXCEL)?;
    while !left.is_empty() {
        if chosen.len() == FORMATS_MAX {
            return None;
        }
        let best = best(&candidates, &left, &chosen);
        let best = best.or_else(|| left.iter().all(|it| is_serial(it)).then_some(&excel))?;
        left.retain(|value| !best.fits(value));
        chosen.push(best);
    }
    let has_time = chosen.iter().any(|it| it.has_time());
    let formats = chosen.into_iter().map(|it| it.text.clone()).collect();
    Some(FittingFormats { formats, has_time })
}

/// The candidate that fits most of the values, if it has the same order of day and month as those before it.
fn best<'a>(
    candidates: &'a [Candidate],
    values: &[&str],
    chosen: &[&Candidate],
) -> Option<&'a Candidate> {
    let order = chosen.iter().find_map(|it| it.is_day_first());
    let is_allowed =
        |it: &&Candidate| order.is_none() || it.is_day_first().is_none_or(|is| Some(is) == order);
    let mut best: Option<(&Candidate, usize)> = None;
    for candidate in candidates.iter().filter(is_allowed) {
        let count = values.iter().filter(|value| candidate.fits(value)).count();
        if count == values.len() {
            return Some(candidate);
        }
        if count > best.map_or(0, |(_, most)| most) {
            best = Some((candidate, count));
        }
    }
    best.map(|(candidate, _)| candidate)
}

fn candidates() -> Vec<Candidate> {
    let mut texts: Vec<String> = DATES.map(str::to_owned).into();
    for date in DATES {
        for (between, time) in BETWEEN.iter().flat_map(|it| TIMES.map(|time| (it, time))) {
            texts.extend(OFFSETS.map(|offset| format!("{date}{between}{time}{offset}")));
        }
    }
    texts.extend(DENSE.map(str::to_owned));
    texts.iter().filter_map(|text| Candidate::new(text)).collect()
}

/// A day since 1900 from 1954 to 2119.
fn is_serial(value: &str) -> bool {
    value.parse::<u32>().is_ok_and(|day| (20_000..80_000).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: &str) {
        let found = match time_formats(values) {
            None => "none".to_owned(),
            Some(found) if found.has_time => format!("time {}", found.formats.join(", ")),
            Some(found) => format!("date {}", found.formats.join(", ")),
        };
        assert_eq!(found, expected, "{values:?}");
    }

    #[test]
    fn one_format_is_found() {
        check(&["2026-01-31"], "date yyyy-MM-dd");
        check(&["31.01.2026 06:00", "01.02.2026 07:30"], "time dd.MM.yyyy HH:mm");
        check(
            &["2026-11-02T06:00:00Z", "2026-11-02T06:00:00+01:00"],
            "time yyyy-MM-ddTHH:mm:ssXXX",
        );
        check(&["2026-11-02T06:00:00.123456Z"], "time yyyy-MM-ddTHH:mm:ss.SSSXXX");
        check(&["1.2.2026", "11.12.2026"], "date d.M.yyyy");
        check(&["a", "2026-01-31"], "none");
        check(&["2026-13-31"], "none");
    }

    #[test]
    fn several_formats_cover_all_values() {
        check(
            &["30-05-2026 13:49", "08-11-2021", "08-11-2021 00:00"],
            "time dd-MM-yyyy HH:mm, dd-MM-yyyy",
        );
        check(&["30-05-2026", "44197"], "date dd-MM-yyyy, excel");
        check(&["2026-01-31", "x"], "none");
    }

    #[test]
    fn day_and_month_keep_their_order() {
        check(&["01/02/2026", "13/02/2026"], "date dd/MM/yyyy");
        check(&["01/02/2026", "02/13/2026"], "date MM/dd/yyyy");
        check(&["13/02/2026", "02/13/2026"], "none");
    }
}
