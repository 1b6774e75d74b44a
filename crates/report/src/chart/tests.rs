//! Charts of all kinds.

use super::*;
use crate::testing::{DEFINITION, TEMPLATE, data, definition, hours};
use typst::foundations::Bytes;
use typst::layout::Abs;
use typst::text::{Font, FontVariant, FontVariations};

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
    // Five of six hours, the bar of 0 included, and the entry of the legend.
    assert_eq!(made, 6);
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
    assert!(draw_all(5, "hi")[3].1.contains(">चालू</text>"));
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

/// A label of an axis that is wider than estimated would be cut at the edge of the image.
#[test]
fn digits_are_not_wider_than_estimated() {
    let file: &'static [u8] = include_bytes!("../../fonts/Inter-Regular.ttf");
    let font = Font::new(Bytes::new(file), 0).unwrap();
    let font = font.instantiate(FontVariant::default(), Abs::pt(10.0), &FontVariations::default());
    for sign in ('0'..='9').chain(['\u{2212}']) {
        let glyph = font.ttf().glyph_index(sign).unwrap();
        let width = font.x_advance(glyph.0).unwrap().get();
        assert!(width * svg::TEXT_MM <= svg::text_width(&sign.to_string()), "{sign}: {width}");
    }
}
