//! PDF and SVG pages.

use super::*;
use crate::testing::{DEFINITION, NOW_US, TEMPLATE, data, definition, hours};
use config::diagnostic::Diagnostic;

fn engine() -> Engine {
    Engine::new(&ReportLimits::default())
}

/// The mistakes of a template.
fn mistakes(template: &str) -> Vec<Diagnostic> {
    let report = definition(DEFINITION, template);
    let data = data(&report, &hours(3), "en");
    match engine().render(&report, &data, Format::Pdf) {
        Err(Error::Template(found)) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let report = definition(DEFINITION, TEMPLATE);
    let data = data(&report, &hours(30), "en");
    for format in Format::ALL {
        let first = engine().render(&report, &data, format).unwrap();
        let second = engine().render(&report, &data, format).unwrap();
        assert!(first == second, "{format:?}");
        assert!(first.len() > 500, "{format:?}");
    }
    let pages = engine().pages(&report, &data).unwrap();
    assert_eq!(pages, engine().pages(&report, &data).unwrap());
    assert!(pages[0].starts_with("<svg"));
}

#[test]
fn a_pdf_is_tagged_and_has_the_time_of_its_data() {
    let report = definition(DEFINITION, TEMPLATE);
    let data = data(&report, &hours(3), "ml");
    let pdf = engine().render(&report, &data, Format::Pdf).unwrap();
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.starts_with("%PDF-"));
    assert!(text.contains("/StructTreeRoot") && text.contains("20260203063000+05'30"), "{NOW_US}");
}

#[test]
fn a_mistake_of_a_template_has_file_and_line() {
    let found = mistakes("= A\n\n#unknown-name\n");
    assert_eq!((found[0].file.as_str(), found[0].line), ("reports/daily/report.typ", 3));
    assert_eq!(found[0].message, "unknown variable: unknown-name");
    assert_eq!(mistakes("#let a = (\n")[0].line, 1);
}

#[test]
fn a_template_reads_no_file_of_the_machine() {
    for file in ["/etc/passwd", "../../plant.toml", "@preview/cetz:0.1.0"] {
        let found = mistakes(&format!("\n#read(\"{file}\")\n"));
        assert_eq!(found[0].line, 2, "{file}: {found:?}");
    }
    assert_eq!(mistakes("#import \"@preview/cetz:0.1.0\": *\n")[0].line, 1);
}

#[test]
fn pages_and_rows_are_limited() {
    let report = definition(DEFINITION, "#for n in range(7) { pagebreak(weak: false) }\n");
    let data = data(&report, &hours(30), "en");
    let limits = ReportLimits { report_pages: 5, ..ReportLimits::default() };
    let error = Engine::new(&limits).render(&report, &data, Format::Pdf).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the number of pages, 8, exceeds report_pages = 5: request XLSX or CSV, lower max_rows of its queries, \
         or raise the setting"
    );
    let limits = ReportLimits { report_page_rows: 20, ..ReportLimits::default() };
    let error = Engine::new(&limits).render(&report, &data, Format::Html).unwrap_err();
    assert!(error.to_string().contains("report_page_rows = 20"), "{error}");
    assert!(Engine::new(&limits).render(&report, &data, Format::Xlsx).is_ok());
    let limits = ReportLimits { report_file_bytes: 100, ..ReportLimits::default() };
    let error = Engine::new(&limits).render(&report, &data, Format::Csv).unwrap_err();
    assert_eq!(error.code(), "report_limit");
}

#[test]
fn two_hundred_pages_are_rendered() {
    let template = "#for n in range(200) { [#n #pagebreak()] }";
    let report = definition(DEFINITION, template);
    let data = data(&report, &hours(3), "en");
    assert!(engine().render(&report, &data, Format::Pdf).is_ok());
}

#[test]
fn a_report_without_rows_is_rendered() {
    let report = definition(DEFINITION, TEMPLATE);
    let data = data(&report, &hours(0), "hi");
    for format in Format::ALL {
        assert!(engine().render(&report, &data, format).is_ok(), "{format:?}");
    }
}
