//! Charts of all kinds.

use super::*;
use crate::testing::{DEFINITION, TEMPLATE, data, definition, hours};

fn draw_all(count: i64, language: &str) -> Vec<(String, String)> {
    let report = definition(DEFINITION, TEMPLATE);
    let data = data(&report, &hours(count), language);
    let draw = |chart: &Chart| (chart.name.clone(), svg(&report, chart, &data).unwrap());
    report.charts.iter().map(draw).collect()
}

/// The coordinates of an image are within it.
fn check_bounds(name: &str, image: &str) {
    for part in image.split(" x=\"").skip(1) {
        let x: f64 = part.split('"').next().unwrap().parse().unwrap();
        assert!((-0.01..=170.01).contains(&x), "{name}: {x}");
    }
    assert!(!image.contains("NaN") && !image.contains("inf"), "{name}");
}

#[test]
fn every_kind_is_drawn_within_its_image() {
    for count in [0, 1, 2, 30, 500] {
        for (name, image) in draw_all(count, "en") {
            check_bounds(&name, &image);
            assert!(image.ends_with("</svg>"));
        }
    }
}

#[test]
fn a_missing_value_has_no_bar_and_interrupts_a_line() {
    let images = draw_all(6, "en");
    let bars = &images[0].1;
    let made = bars.matches("fill=\"#8A929B\"").count();
    // Of six hours one is missing and one is 0; the legend has one more rectangle.
    assert_eq!(made, 5);
    assert_eq!(lines::parts(&[Some(1.0), None, Some(2.0), Some(3.0)]).len(), 2);
}

#[test]
fn texts_are_escaped() {
    let images = draw_all(3, "en");
    assert!(images[2].1.contains("=IT &amp; 1"));
}

#[test]
fn an_empty_chart_shows_that_in_its_language() {
    assert!(draw_all(0, "ml")[0].1.contains("വിവരങ്ങൾ ഇല്ല"));
    assert!(draw_all(0, "en")[0].1.contains("no data"));
}

#[test]
fn legends_are_in_the_language_of_the_report() {
    assert!(draw_all(5, "hi")[3].1.contains(">चालू</tspan></text>"));
    assert!(draw_all(5, "en")[3].1.contains(">running</text>"));
    assert!(draw_all(5, "en")[4].1.contains(">signal</text>"));
}

#[test]
fn shares_are_shown_in_percent() {
    let line = &draw_all(5, "en")[1].1;
    assert!(
        line.contains(">%</text>") && line.contains(">90.0</text>") | line.contains(">90</text>"),
        "{line}"
    );
}

#[test]
fn unknown_columns_and_types_are_mistakes() {
    let check = |from: &str, to: &str, expected: &str| {
        let report = definition(&DEFINITION.replacen(from, to, 1), TEMPLATE);
        let data = data(&report, &hours(3), "en");
        let found = report.charts.iter().find_map(|chart| svg(&report, chart, &data).err());
        assert_eq!(found.unwrap().to_string(), expected);
    };
    check(
        "y = \"yield\"",
        "y = \"yeld\"",
        "reports/daily/report.toml: the chart `line` cannot be drawn: the query `hours` has no column `yeld`; Did you \
         mean `yield`? Known here: hour, day, at, item, made, planned, yield, is_late, secret.",
    );
    check(
        "y = \"yield\"",
        "y = \"item\"",
        "reports/daily/report.toml: the chart `line` cannot be drawn: the column `item` is a text: expected a number",
    );
    check(
        "x = \"from_at\"",
        "x = \"unit\"",
        "reports/daily/report.toml: the chart `strips` cannot be drawn: the columns x and end of strips are times",
    );
}

#[test]
fn a_pareto_chart_sums_up_the_rest() {
    let pareto = &draw_all(40, "en")[2].1;
    assert!(pareto.contains(">+ 29</text>"), "{pareto}");
}

/// Slanted labels begin within the image, also the first one of a narrow chart.
#[test]
fn slanted_labels_are_not_cut() {
    let long = "insufficient solder";
    let labels = || ["a", "tombstone", "wrong polarity", "missing part"].map(str::to_owned);
    for at in 0..labels().len() {
        let mut labels = labels();
        labels[at] = long.to_owned();
        let categories = category::Categories::names(labels.to_vec());
        let mut image = svg::Image::new(60, 60, "");
        let margins = categories.margins(&image, 9.0);
        let area = axis::ValueAxis::draw(&mut image, &[1.0], "", true, margins).area;
        let begin = categories.middle(area, at) + axis::GAP - svg::slanted_size(long).0;
        assert!(begin >= -0.01, "{at}: {begin}");
        assert!(margins.foot > svg::slanted_size(long).1);
    }
}

#[test]
fn letters_of_a_script_are_one_run_in_its_font() {
    let image = draw_all(5, "ml").swap_remove(3).1;
    let run = "<tspan font-family=\"Noto Sans Malayalam, Inter\">പ്രവർത്തിക്കുന്നു</tspan></text>";
    assert!(image.contains(run), "{image}");
}

#[test]
fn indic_texts_are_set_apart_for_templates() {
    let report = definition(DEFINITION, TEMPLATE);
    let data = data(&report, &hours(5), "ml");
    let (image, labels) = svg_and_labels(&report, &report.charts[3], &data).unwrap();
    assert!(!image.contains("പ്രവർ") && image.contains("</svg>"));
    let running = labels.iter().find(|label| label.text == "പ്രവർത്തിക്കുന്നു").unwrap();
    assert_eq!(running.anchor, "start");
    assert!(running.x > 0.0 && running.x < 170.0);
    let data = crate::testing::data(&report, &hours(5), "en");
    let (image, labels) = svg_and_labels(&report, &report.charts[3], &data).unwrap();
    assert_eq!((labels, image), (Vec::new(), svg(&report, &report.charts[3], &data).unwrap()));
}

#[test]
fn days_are_in_the_language_of_the_report() {
    assert_eq!((words::month("en", 1), words::month("hi", 12)), ("Jan", "दिस॰"));
    assert_eq!(words::month("ml", 11), "നവം");
}

/// The width of a text is that of its letters in the fonts of the reports.
#[test]
fn texts_are_measured_by_the_fonts() {
    assert!((svg::text_width("0000") - 4.0 * svg::text_width("0")).abs() < 1e-9);
    assert!(svg::text_width("W") > 2.0 * svg::text_width("i"));
    assert!(svg::text_width("മ") > svg::text_width("i"));
}
