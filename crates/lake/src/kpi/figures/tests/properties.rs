//! Properties for any plant: a KPI stays within its range unless it is reported, and the order of summing
//! before dividing does not matter.

use super::*;
use arrow::datatypes::{Field, Schema};
use config::model::TableName;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use std::sync::{Arc, LazyLock};

static KPIS: LazyLock<Vec<Kpi>> = LazyLock::new(kerala);

/// Units with their lines; one has none.
const UNITS: [(&str, Option<&str>); 4] =
    [("U0", Some("L0")), ("U1", Some("L0")), ("U2", Some("L1")), ("U3", None)];
const SHIFTS: [Option<&str>; 3] = [Some("A"), Some("B"), None];
const LONGEST_CYCLE_MS: i64 = 90_000;
/// Shares that exceed 1 when boards are made faster than ideal, which the expectation
/// `not_faster_than_ideal` of their table counts.
const OF_SPEED: [&str; 5] = ["oee", "effectiveness", "nee", "teep", "oee_com_performance"];
/// Shares that may exceed 1: a plan may be exceeded.
const OF_PLAN: &str = "plan_attainment";
/// Shares whose bounds are within 0 and 1: the unknown is a part of the whole.
const OF_PARTS: [&str; 9] = [
    "availability",
    "utilisation",
    "quality_ratio",
    "first_pass_yield",
    "scrap_ratio",
    "rework_ratio",
    "oee_com_availability",
    "oee_com_quality",
    "planned_hours_with_production",
];

/// The dimensions of a row, and its sums by column.
#[derive(Debug, Clone, Default)]
struct Row {
    day: i32,
    shift: Option<&'static str>,
    line: Option<String>,
    unit: String,
    sums: BTreeMap<&'static str, i64>,
}

impl Row {
    fn dimensions(&self, query: &KpiQuery) -> Dimensions {
        let day = NaiveDate::default() + chrono::TimeDelta::days(self.day.into());
        Dimensions {
            production_day: (query.granularity != Granularity::Range).then_some(day),
            shift: self
                .shift
                .filter(|_| query.granularity == Granularity::Shift)
                .map(str::to_owned),
            line: self.line.clone().filter(|_| query.level != Level::Plant),
            unit: (query.level == Level::Unit).then(|| self.unit.clone()),
            ..Dimensions::default()
        }
    }

    fn of(&self, name: &str) -> i64 {
        self.sums.get(name).copied().unwrap_or(0)
    }
}

fn cases(count: u32) -> Config {
    Config {
        cases: count,
        max_shrink_iters: 40,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    }
}

fn query() -> impl Strategy<Value = KpiQuery> {
    let level = prop_oneof![Just(Level::Unit), Just(Level::Line), Just(Level::Plant)];
    let granularity =
        prop_oneof![Just(Granularity::Shift), Just(Granularity::Day), Just(Granularity::Range)];
    (level, granularity).prop_map(|(level, granularity)| KpiQuery {
        level,
        granularity,
        ..KpiQuery::default()
    })
}

/// A number up to `most`, often 0.
fn some(most: i64) -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0), 2 => 0..most]
}

/// Boards of one item: the ideal cycle time, if known, and how many are good, scrap, for rework and without
/// a verdict.
fn boards() -> impl Strategy<Value = (Option<i64>, [i64; 4])> {
    let counts = (some(200), some(20), some(20), some(60));
    (prop::option::weighted(0.8, 1_000..LONGEST_CYCLE_MS), counts).prop_map(
        |(ideal_ms, (good, scrap, rework, unknown))| (ideal_ms, [good, scrap, rework, unknown]),
    )
}

/// A shift of a unit as in `gold.oee_shift`.
fn shift_sums() -> impl Strategy<Value = BTreeMap<&'static str, i64>> {
    let seconds = prop::collection::vec(some(20_000), 9);
    let made = prop::collection::vec(boards(), 0..3);
    (seconds, made, 0..4_i64).prop_map(|(seconds, made, breakdowns)| {
        let [free, planned_stop, apt, aust, adot, unknown, breakdown, minor_stop, other] =
            <[i64; 9]>::try_from(seconds).unwrap();
        let adet = breakdown + minor_stop + other;
        let pbt = apt + aust + adet + adot + unknown;
        let boards = |at: usize| made.iter().map(|(_, counts)| counts[at]).sum::<i64>();
        let ideal = |of: &[usize]| -> i64 {
            let counts = |counts: &[i64; 4]| of.iter().map(|at| counts[*at]).sum::<i64>();
            made.iter().map(|(ideal_ms, of)| ideal_ms.unwrap_or(0) * counts(of)).sum()
        };
        let untimed = made.iter().filter(|(ideal_ms, _)| ideal_ms.is_none());
        BTreeMap::from([
            ("calendar_s", free + planned_stop + pbt),
            ("no_production_planned_s", free),
            ("pot_s", planned_stop + pbt),
            ("planned_stop_s", planned_stop),
            ("pbt_s", pbt),
            ("apt_s", apt),
            ("aust_s", aust),
            ("adet_s", adet),
            ("adot_s", adot),
            ("unknown_s", unknown),
            ("order_s", apt + aust + adet),
            ("breakdown_s", breakdown),
            ("minor_stop_s", minor_stop),
            ("breakdowns", breakdowns),
            ("pq", (0..4).map(boards).sum()),
            ("gq", boards(0)),
            ("sq", boards(1)),
            ("rq", boards(2)),
            ("verdict_unknown", boards(3)),
            ("ideal_unknown", untimed.map(|(_, counts)| counts.iter().sum::<i64>()).sum()),
            ("ideal_pq_ms", ideal(&[0, 1, 2, 3])),
            ("ideal_gq_ms", ideal(&[0])),
            ("ideal_verdict_unknown_ms", ideal(&[3])),
        ])
    })
}

/// An hour of a unit as in `gold.production_rate`.
fn hour_sums() -> impl Strategy<Value = BTreeMap<&'static str, i64>> {
    (some(200), some(200), some(3_600)).prop_map(|(made, planned, apt)| {
        let (is_made, is_planned) = (made > 0, planned > 0);
        BTreeMap::from([
            ("made", made),
            ("planned", planned),
            ("apt_s", apt),
            ("ideal_made_ms", made * 20_000),
            ("planned_hours", is_planned.into()),
            ("productive_planned_hours", (is_planned && is_made).into()),
            ("productive_hours", is_made.into()),
        ])
    })
}

/// Rows of one table: of different shifts and units, or several of one.
fn rows(
    table: &'static str,
    sums: impl Strategy<Value = BTreeMap<&'static str, i64>>,
) -> impl Strategy<Value = (&'static str, Vec<Row>)> {
    let row = (19_358..19_361, 0..SHIFTS.len(), 0..UNITS.len(), sums);
    let row = row.prop_map(|(day, shift, unit, sums)| {
        let (unit, line) = UNITS[unit];
        let (unit, line) = (unit.to_owned(), line.map(str::to_owned));
        Row { day, shift: SHIFTS[shift], line, unit, sums }
    });
    prop::collection::vec(row, 1..12).prop_map(move |mut rows| {
        let mut made: BTreeMap<i32, i64> = BTreeMap::new();
        rows.iter().for_each(|row| *made.entry(row.day).or_default() += row.of("pq"));
        for row in rows.iter_mut().filter(|row| row.sums.contains_key("pq")) {
            let open_s = row.of("apt_s") + row.of("unknown_s");
            let is_open = made[&row.day] == 0 && open_s > 0;
            let no_boards_ms = if is_open { open_s * 1_000 + LONGEST_CYCLE_MS } else { 0 };
            row.sums.insert("no_boards_ms", no_boards_ms);
        }
        (table, rows)
    })
}

fn any_rows() -> impl Strategy<Value = (&'static str, Vec<Row>)> {
    prop_oneof![
        3 => rows("oee_shift", shift_sums()),
        1 => rows("production_rate", hour_sums()),
    ]
}

fn batch(table: &str, rows: &[Row]) -> RecordBatch {
    let day = if table == "oee_shift" { "production_day" } else { "day_local" };
    let days: arrow::array::Date32Array = rows.iter().map(|row| Some(row.day)).collect();
    let texts = |of: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        (day, Arc::new(days)),
        ("shift", texts(&|row| row.shift.map(str::to_owned))),
        ("unit", texts(&|row| Some(row.unit.clone()))),
        ("line", texts(&|row| row.line.clone())),
    ];
    for name in rows[0].sums.keys() {
        let values = rows.iter().map(|row| row.of(name));
        columns.push((name, Arc::new(values.collect::<Int64Array>())));
    }
    // Every column is nullable, also if the sample has no nulls.
    let fields = columns.iter().map(|(name, of)| Field::new(*name, of.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, of)| of).collect()).unwrap()
}

fn computed(table: &str, rows: &[Row], query: &KpiQuery) -> Figures {
    let name = TableName::new("gold", table);
    let session = session_with(&name, batch(table, rows));
    let kpis: Vec<Kpi> = KPIS.iter().filter(|kpi| kpi.table == name).cloned().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(figures(&session, &kpis, query)).unwrap()
}

/// The sums of the rows by dimensions, computed by the test.
fn added(rows: &[Row], query: &KpiQuery) -> BTreeMap<Dimensions, BTreeMap<&'static str, i64>> {
    let mut groups: BTreeMap<Dimensions, BTreeMap<&'static str, i64>> = BTreeMap::new();
    for row in rows {
        let sums = groups.entry(row.dimensions(query)).or_default();
        row.sums.iter().for_each(|(name, value)| *sums.entry(name).or_default() += value);
    }
    groups
}

/// What is wrong with a figure, if anything.
fn mistake(kpi: &Kpi, of: &Figure, sums: &BTreeMap<&'static str, i64>) -> Option<&'static str> {
    let name = kpi.name.as_str();
    let sum = |name: &str| sums.get(name).copied().unwrap_or(0);
    let is_fast = sum("ideal_pq_ms") > sum("apt_s") * 1_000;
    let is_share = kpi.unit == "%" && name != OF_PLAN;
    let is_flagged = is_fast && OF_SPEED.contains(&name);
    let top = if is_share && !is_flagged { 1.0 } else { f64::INFINITY };
    let is_within = |value: f64, top: f64| value.is_finite() && (0.0..=top).contains(&value);
    let bound_top = if OF_PARTS.contains(&name) { 1.0 } else { f64::INFINITY };
    let is_ascending =
        |low: Option<f64>, high: Option<f64>| low.zip(high).is_none_or(|(low, high)| low <= high);
    let said = [of.value.is_some(), of.unknown.is_some(), of.none.is_some()];
    if said.iter().filter(|it| **it).count() != 1 {
        return Some("it has a value or says why not, and never both");
    }
    if of.value.is_some_and(|value| !is_within(value, top)) {
        return Some("the value is out of its range");
    }
    if [of.low, of.high].into_iter().flatten().any(|bound| !is_within(bound, bound_top)) {
        return Some("a bound is out of its range");
    }
    let in_order = is_ascending(of.low, of.value) && is_ascending(of.value, of.high);
    (!in_order || !is_ascending(of.low, of.high)).then_some("the bounds do not hold the value")
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn kpis_stay_within_their_range_unless_reported(
        (table, rows) in any_rows(),
        query in query(),
    ) {
        let (computed, added) = (computed(table, &rows, &query), added(&rows, &query));
        prop_assert_eq!(computed.len(), added.len());
        for (dimensions, figures) in computed {
            for (name, figure) in figures {
                let kpi = KPIS.iter().find(|kpi| kpi.name == name).unwrap();
                let mistake = mistake(kpi, &figure, &added[&dimensions]);
                prop_assert_eq!(mistake, None, "{} {:?} of {:?}", name, figure, added[&dimensions]);
            }
        }
    }

    #[test]
    fn a_roll_up_is_the_kpi_of_the_sums(
        (table, rows) in any_rows(),
        query in query(),
    ) {
        let rolled = computed(table, &rows, &query);
        // One unit for each row, with the sums of its parts.
        let groups: Vec<_> = added(&rows, &query).into_iter().collect();
        let whole = |(at, (_, sums)): (usize, &(Dimensions, BTreeMap<&'static str, i64>))| Row {
            unit: format!("{at:03}"),
            sums: sums.clone(),
            ..Row::default()
        };
        let wholes: Vec<Row> = groups.iter().enumerate().map(whole).collect();
        let direct = computed(table, &wholes, &KpiQuery { granularity: Granularity::Range, ..KpiQuery::default() });
        let direct: Figures =
            groups.into_iter().map(|(dimensions, _)| dimensions).zip(direct.into_values()).collect();
        prop_assert_eq!(rolled, direct);
    }

    #[test]
    fn parts_add_up_to_their_whole(
        (table, rows) in any_rows(),
        query in query(),
    ) {
        let parts = computed(table, &rows, &KpiQuery::default());
        for (dimensions, figures) in computed(table, &rows, &query) {
            let within = |part: &Dimensions| {
                let row = rows.iter().find(|row| row.dimensions(&KpiQuery::default()) == *part).unwrap();
                row.dimensions(&query) == dimensions
            };
            // It multiplies setup and production by boards, so it is not the sum of its parts.
            for (name, figure) in figures.into_iter().filter(|(name, _)| name != "nee") {
                let sum = |of: fn(&Figure) -> Option<f64>| -> f64 {
                    let parts = parts.iter().filter(|(part, _)| within(part));
                    parts.filter_map(|(_, figures)| of(&figures[&name])).sum()
                };
                let (numerator, denominator) = (sum(|it| it.numerator), sum(|it| it.denominator));
                let is_same = |one: f64, other: f64| (one - other).abs() <= 1e-9 * one.abs();
                prop_assert!(is_same(figure.numerator.unwrap(), numerator), "{}", name);
                prop_assert!(is_same(figure.denominator.unwrap(), denominator), "{}", name);
            }
        }
    }
}
