mod properties;

use super::*;
use crate::kpi::statement;
use crate::session;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use config::folder;
use config::model::TableName;
use config::settings::Limits;
use std::sync::Arc;

/// Sums of one shift of one unit: column and value; all others are 0.
type Sums<'a> = &'a [(&'a str, i64)];

fn kerala() -> Vec<Kpi> {
    let (plant, found) = folder::read(&folder::texts(None).unwrap());
    assert!(found.is_empty(), "{found:?}");
    plant.unwrap().kpis
}

const COLUMNS: [&str; 22] = [
    "calendar_s",
    "no_production_planned_s",
    "pot_s",
    "planned_stop_s",
    "pbt_s",
    "apt_s",
    "aust_s",
    "adet_s",
    "adot_s",
    "unknown_s",
    "order_s",
    "breakdown_s",
    "minor_stop_s",
    "breakdowns",
    "pq",
    "gq",
    "sq",
    "rq",
    "verdict_unknown",
    "ideal_unknown",
    "ideal_pq_ms",
    "ideal_gq_ms",
];
const MORE: [&str; 2] = ["ideal_verdict_unknown_ms", "no_boards_ms"];

fn shifts(rows: &[Sums<'_>]) -> RecordBatch {
    let days = rows.iter().map(|_| Some(19_358));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("production_day", Arc::new(days.collect::<arrow::array::Date32Array>())),
        ("shift", Arc::new(rows.iter().map(|_| Some("G")).collect::<StringArray>())),
        (
            "unit",
            Arc::new((0..rows.len()).map(|at| Some(format!("U{at}"))).collect::<StringArray>()),
        ),
        ("line", Arc::new(rows.iter().map(|_| Some("L")).collect::<StringArray>())),
    ];
    for name in COLUMNS.into_iter().chain(MORE) {
        let value = |row: &Sums<'_>| {
            row.iter().find_map(|(column, value)| (*column == name).then_some(*value)).unwrap_or(0)
        };
        columns.push((name, Arc::new(rows.iter().map(value).collect::<Int64Array>())));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A session with one table.
fn session_with(table: &TableName, batch: RecordBatch) -> SessionContext {
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits).unwrap(), 1);
    let provider = datafusion::datasource::MemTable::try_new(batch.schema(), vec![vec![batch]]);
    session::register(&session, table, Arc::new(provider.unwrap())).unwrap();
    session
}

async fn query(rows: &[Sums<'_>], level: Level) -> Figures {
    let table = TableName::new("gold", "oee_shift");
    let session = session_with(&table, shifts(rows));
    let kpis: Vec<Kpi> = kerala().into_iter().filter(|kpi| kpi.table == table).collect();
    figures(&session, &kpis, &KpiQuery { level, ..KpiQuery::default() }).await.unwrap()
}

async fn one(row: Sums<'_>) -> BTreeMap<String, Figure> {
    query(&[row], Level::Unit).await.into_values().next().unwrap()
}

#[track_caller]
fn check(of: &BTreeMap<String, Figure>, expected: &[(&str, f64)]) {
    for (name, percent) in expected {
        let value = of[*name].value.unwrap() * 100.0;
        assert!((value - percent).abs() < 0.005, "{name} is {value}, not {percent}");
    }
}

/// The example of oee.com: a shift of 480 min with 60 min of breaks and 47 min of stops.
#[tokio::test]
async fn the_textbook_example_has_its_figures() {
    let made = 19_271;
    let of = one(&[
        ("calendar_s", 480 * 60),
        ("pot_s", 480 * 60),
        ("planned_stop_s", 60 * 60),
        ("pbt_s", 420 * 60),
        ("apt_s", 373 * 60),
        ("adet_s", 47 * 60),
        ("pq", made),
        ("gq", made - 423),
        ("sq", 423),
        ("ideal_pq_ms", made * 1000),
        ("ideal_gq_ms", (made - 423) * 1000),
    ])
    .await;
    let expected = [
        ("availability", 88.81),
        ("effectiveness", 86.11),
        ("quality_ratio", 97.80),
        ("oee", 74.79),
    ];
    check(&of, &expected);
    assert_eq!((of["oee"].low, of["oee"].high), (None, None), "nothing is unknown");
}

/// An example with the time elements of ISO 22400-2, in minutes.
#[tokio::test]
async fn the_time_elements_of_the_standard_have_their_figures() {
    let min = |minutes: i64| minutes * 60;
    let of = one(&[
        ("calendar_s", min(1440)),
        ("pot_s", min(480)),
        ("pbt_s", min(420)),
        ("apt_s", min(330)),
        ("aust_s", min(30)),
        ("adet_s", min(40)),
        ("adot_s", min(20)),
        ("order_s", min(600)),
        ("pq", 600),
        ("gq", 570),
        ("sq", 20),
        ("rq", 10),
        ("ideal_pq_ms", 600 * 30_000),
        ("ideal_gq_ms", 570 * 30_000),
    ])
    .await;
    check(
        &of,
        &[
            ("availability", 78.571),
            ("effectiveness", 90.909),
            ("quality_ratio", 95.0),
            ("oee", 67.857),
            ("nee", 74.026),
            ("allocation_efficiency", 95.238),
            ("utilization_efficiency", 82.5),
            ("technical_efficiency", 89.189),
            ("setup_ratio", 8.333),
            ("scrap_ratio", 20.0 / 6.0),
            ("rework_ratio", 10.0 / 6.0),
        ],
    );
    assert_eq!(of["throughput_rate"].value, Some(60.0), "boards an hour");
    assert_eq!(of["mtbf"].none.as_deref(), Some("no failure"));
}

#[tokio::test]
async fn teep_counts_all_time() {
    let hour = 3_600;
    let of = one(&[
        ("calendar_s", 168 * hour),
        ("pbt_s", 80 * hour),
        ("apt_s", 80 * hour),
        ("pq", 52),
        ("gq", 52),
        ("ideal_pq_ms", 52 * hour * 1000),
        ("ideal_gq_ms", 52 * hour * 1000),
    ])
    .await;
    check(&of, &[("oee", 65.0), ("teep", 30.95)]);
}

#[tokio::test]
async fn unknown_figures_have_a_reason_and_bounds() {
    let of = one(&[
        ("pbt_s", 100),
        ("unknown_s", 100),
        ("pq", 5),
        ("verdict_unknown", 5),
        ("ideal_unknown", 5),
    ])
    .await;
    assert_eq!(of["availability"].value, None);
    assert_eq!(of["availability"].unknown.as_deref(), Some("no machine events"));
    assert_eq!(of["oee"].unknown.as_deref(), Some("no ideal cycle times"));
    let of = one(&[
        ("pbt_s", 100),
        ("apt_s", 60),
        ("adet_s", 20),
        ("unknown_s", 20),
        ("pq", 50),
        ("gq", 40),
        ("verdict_unknown", 10),
        ("ideal_pq_ms", 50_000),
        ("ideal_gq_ms", 40_000),
        ("ideal_verdict_unknown_ms", 10_000),
    ])
    .await;
    let bounds =
        |name: &str| (of[name].low.unwrap(), of[name].value.unwrap(), of[name].high.unwrap());
    assert_eq!(bounds("availability"), (0.6, 0.6, 0.8));
    assert_eq!(bounds("oee"), (0.4, 0.4, 0.625));
    assert_eq!(bounds("quality_ratio"), (0.8, 0.8, 1.0));
    let of = one(&[("calendar_s", 100), ("no_production_planned_s", 100)]).await;
    assert_eq!(of["oee"].none.as_deref(), Some("no planned time"));
}

#[tokio::test]
async fn sums_are_rolled_up_and_shares_are_never_averaged() {
    let large: Sums<'_> = &[("pbt_s", 900), ("apt_s", 900), ("pq", 1), ("gq", 1)];
    let small: Sums<'_> = &[("pbt_s", 100), ("adet_s", 100)];
    let of = query(&[large, small], Level::Line).await;
    assert_eq!(of.len(), 1);
    let (place, of) = of.into_iter().next().unwrap();
    assert_eq!((place.unit, place.line.as_deref()), (None, Some("L")));
    assert_eq!(of["availability"].value, Some(0.9));
}

/// Minor stops are the whole difference between the two sets, so none of it is unexplained.
#[tokio::test]
async fn the_causes_explain_the_difference_between_two_sets() {
    let of = one(&[
        ("pbt_s", 25_200),
        ("apt_s", 20_000),
        ("adet_s", 5_200),
        ("minor_stop_s", 1_300),
        ("pq", 9_000),
        ("gq", 8_800),
        ("ideal_pq_ms", 18_000_000),
        ("ideal_gq_ms", 17_600_000),
    ])
    .await;
    let likes = [
        ("oee_com_availability", "availability", 1_300.0 / 25_200.0),
        ("oee_com_performance", "effectiveness", 18_000.0 / 21_300.0 - 18_000.0 / 20_000.0),
        ("oee_com_quality", "quality_ratio", 0.0),
    ];
    for (name, against, expected) in likes {
        let difference = of[name].difference.as_ref().unwrap();
        assert_eq!(difference.against, against);
        assert_eq!(Some(difference.other), of[against].value);
        let explained: f64 = difference.causes.iter().map(|cause| cause.share).sum();
        assert!((difference.value - expected).abs() < 1e-12, "{name}: {difference:?}");
        assert!((explained - expected).abs() < 1e-12, "{name}: {difference:?}");
        assert!(difference.causes.iter().all(|cause| cause.say != "not explained"), "{name}");
    }
    assert_eq!(of["availability"].difference, None, "it is not compared with another set");
}

#[tokio::test]
async fn each_mistake_is_reported_once() {
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits).unwrap(), 1);
    let kpis = kerala();
    let found = statement::check(&session, &kpis, &BTreeMap::new()).await;
    let mut different = found.clone();
    different.sort();
    different.dedup();
    assert_eq!(found.len(), different.len(), "{found:?}");
    assert!(found.len() > kpis.len(), "neither the tables nor those by the hour exist");
}
