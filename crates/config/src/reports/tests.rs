//! Definitions of reports, and the mistakes in them.

use super::*;

const TEMPLATE_PATH: &str = "reports/daily/report.typ";
const DEFINITION_PATH: &str = "reports/daily/report.toml";

const VALID: &str = "title = { en = \"Daily\", ml = \"ദിവസം\" }

[parameters.day]
kind = \"day\"
default = \"yesterday\"

[parameters.top]
kind = \"number\"
default = 10

[[query]]
name = \"hours\"
sql = \"\"\"
select hour, made -- :not_this
from gold.production_hourly
where production_day = :day and note <> ':nor this'
limit :top
\"\"\"
[query.columns.made]
unit = \"boards\"
digits = 1

[[chart]]
name = \"hours\"
kind = \"bars\"
query = \"hours\"
x = \"hour\"
y = \"made\"
limits = [\"planned\", 50, 1.5]

[schedule]
at = \"06:30\"
days = [\"mon\"]
formats = [\"pdf\", \"xlsx\"]

[[send]]
kind = \"email\"
roles = [\"manager\"]
to = [\"a@plant.example\"]
[[send]]
kind = \"s3\"
location = \"s3://bucket/reports\"
formats = [\"csv\"]
";

fn read_text(text: &str) -> (Option<Arc<Definition>>, Vec<Diagnostic>) {
    let texts = [(DEFINITION_PATH, text), (TEMPLATE_PATH, "= Daily")];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let (mut reports, found) = read(&texts.into(), &["A".to_owned(), "G".to_owned()], &[]);
    (reports.remove("daily"), found)
}

/// The mistake of the valid definition with one change.
fn check(from: &str, to: &str, line: usize, message: &str) {
    check_all(from, to, &[(line, message)]);
}

/// The mistakes of the valid definition with one change.
fn check_all(from: &str, to: &str, expected: &[(usize, &str)]) {
    assert!(VALID.contains(from), "{from}");
    let (report, found) = read_text(&VALID.replacen(from, to, 1));
    let found: Vec<(usize, &str)> = found.iter().map(|it| (it.line, it.message.as_str())).collect();
    assert_eq!(found, expected);
    assert!(report.is_none());
}

#[test]
fn a_definition_is_read() {
    let (report, found) = read_text(VALID);
    assert_eq!(found, []);
    let report = report.unwrap();
    assert_eq!(report.title.in_language("ml"), "ദിവസം");
    assert_eq!(report.parameter("day").unwrap().default, ReportParameterDefault::Yesterday);
    assert_eq!(report.parameter("top").unwrap().kind, ParameterKind::Whole);
    let statement = &report.query("hours").unwrap().statement;
    assert!(statement.sql.contains("= CAST($day AS DATE) and note <> ':nor this'"));
    assert!(statement.sql.contains("limit CAST($top AS BIGINT)"));
    assert_eq!(statement.tables, [TableName::new("gold", "production_hourly")].into());
    assert_eq!(statement.line, 14);
    let chart = &report.charts[0];
    assert_eq!((chart.width_mm, chart.y.as_slice()), (170, ["made".to_owned()].as_slice()));
    assert_eq!(chart.limits[0], ChartLimit::Column("planned".to_owned()));
    assert_eq!(chart.limits[2], ChartLimit::Number(1.5));
    let schedule = report.schedule.as_ref().unwrap();
    let monday = vec![chrono::Weekday::Mon];
    assert_eq!(schedule.moment, Moment::At { minute_of_day: 390, days: monday });
    assert_eq!(report.deliveries[0].formats, [Format::Pdf, Format::Xlsx]);
    assert_eq!(report.deliveries[1].formats, [Format::Csv]);
}

#[test]
fn mistakes_are_reported_with_their_lines() {
    check(":day and", ":dya and", 16, "unknown parameter `:dya`");
    check("select hour, made", "select kpi(oee)", 14, "unknown KPI `oee`");
    check(
        "gold.production_hourly",
        "production_hourly",
        14,
        "table `production_hourly` is named without its schema",
    );
    check("\"yesterday\"", "\"yesterdya\"", 5, "invalid day `yesterdya`");
    check("kind = \"bars\"", "kind = \"pie\"", 25, "invalid kind `pie`");
    check("query = \"hours\"", "query = \"hour\"", 26, "unknown query `hour`");
    check("name = \"hours\"\nkind", "name = \"Hours\"\nkind", 24, "invalid name `Hours`");
    check("digits = 1", "digit = 1", 21, "unknown key `digit`");
    check("\"xlsx\"]", "\"xls\"]", 34, "invalid format `xls`");
    check("days = [\"mon\"]", "when = \"final\"", 31, "the time of the schedule is ambiguous");
    check("to = [\"a@plant.example\"]", "to = [\"a\"]", 39, "invalid e-mail address `a`");
    check("s3://bucket/reports", "/srv", 42, "no valid location");
    check_all(
        "[parameters.top]",
        "[parameters.format]",
        &[(7, "invalid name `format` of a parameter"), (17, "unknown parameter `:top`")],
    );
}

#[test]
fn a_report_needs_definition_and_template() {
    let texts = |path: &str| [(path.to_owned(), VALID.to_owned())].into();
    let (_, found) = read(&texts(DEFINITION_PATH), &[], &[]);
    assert_eq!(found[0].message, "the template report.typ is missing");
    let (_, found) = read(&texts(TEMPLATE_PATH), &[], &[]);
    assert_eq!(
        found[0].to_string(),
        "reports/daily/report.toml:1: the file is missing\n    Write a title and at least one [[query]]."
    );
}
