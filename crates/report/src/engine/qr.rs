//! The address of a report as a QR code.

use anyhow::Context as _;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Empty modules around the code that scanners need (ISO/IEC 18004).
const QUIET_MODULES: usize = 4;

/// The code of an address as SVG; an empty image without one.
pub fn svg(url: Option<&str>) -> anyhow::Result<String> {
    let Some(url) = url else {
        return Ok(r#"<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>"#.to_owned());
    };
    // A printed page can have a stain, but a denser code is harder to scan: 15 % can be restored.
    let code = QrCode::with_error_correction_level(url, EcLevel::M)
        .with_context(|| format!("the address {url} is too long for a QR code"))?;
    let (width, colors) = (code.width(), code.to_colors());
    let size = width + 2 * QUIET_MODULES;
    let mut path = String::new();
    for (row, modules) in colors.chunks(width).enumerate() {
        for (from, length) in runs(modules) {
            let (x, y) = (from + QUIET_MODULES, row + QUIET_MODULES);
            write!(path, "M{x} {y}h{length}v1h-{length}z")?;
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" width=\"{size}\" height=\"{size}\">\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// First module and number of each run of dark modules.
fn runs(modules: &[Color]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in modules.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        match runs.last_mut() {
            Some((from, length)) if *from + *length == at => *length += 1,
            _ => runs.push((at, 1)),
        }
    }
    runs
}
