//! HTML pages.

use crate::testing::{DEFINITION, TEMPLATE, definition, hours};

fn page(count: i64, language: &str) -> String {
    let report = definition(DEFINITION, TEMPLATE);
    super::report(&report, &crate::testing::data(&report, &hours(count), language)).unwrap()
}

#[test]
fn a_page_has_titles_units_values_and_sources() {
    let page = page(3, "en");
    for text in [
        "<h1>Daily &lt;output&gt;</h1>",
        "<th class=\"number\">Made <small>boards</small></th>",
        "<td class=\"number\">90.1</td>",
        "<td>2026-02-03 05:30:00</td>",
        "<td>=IT &amp; 1</td>",
        "gold.production_hourly version 12",
        "<svg xmlns",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("hidden</td>"));
}

#[test]
fn a_page_without_rows_shows_that_in_its_language() {
    assert!(page(0, "hi").contains("कोई डेटा नहीं"));
    assert!(page(0, "ml").contains("<h2>ഉത്പാദനം</h2>"));
}
