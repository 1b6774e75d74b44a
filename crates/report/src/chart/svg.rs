//! Elements of an SVG image.

use super::ink;
use crate::assets::char_width;
use serde::Serialize;
use std::fmt::Write as _;

/// Height of text, in millimetres: 7.5 points.
pub const TEXT_MM: f64 = 2.65;
/// Width of a character that no font has, relative to the height of the text.
const UNKNOWN_WIDTH: f64 = 0.75;
/// Characters that belong to the run before them: spaces, and those that change how letters are joined.
const JOINERS: [char; 3] = [' ', '\u{200C}', '\u{200D}'];
/// Angle of slanted texts, in degrees.
const SLANT_DEGREES: f64 = 32.0;

/// An SVG image in millimetres.
pub struct Image {
    pub width: f64,
    pub height: f64,
    body: String,
    patterns: Vec<&'static str>,
    title: String,
    /// Whether texts with Indic letters are left out of the image.
    leaves_labels_out: bool,
    labels: Vec<Label>,
}

/// A text with Indic letters, which the template draws over an image: the compiler of templates places the letters of
/// an image without their marks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Label {
    /// The point at the baseline, in millimetres.
    pub x: f64,
    pub y: f64,
    /// `start`, `middle` or `end`: which part of the text is at the point.
    pub anchor: &'static str,
    pub color: &'static str,
    pub text: String,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    pub color: &'static str,
    pub width: f64,
    pub is_dashed: bool,
}

impl Stroke {
    pub const fn solid(color: &'static str, width: f64) -> Self {
        Self { color, width, is_dashed: false }
    }

    pub const fn dashed(color: &'static str, width: f64) -> Self {
        Self { color, width, is_dashed: true }
    }
}

impl Image {
    pub fn new(width_mm: u32, height_mm: u32, title: &str) -> Self {
        let (width, height) = (f64::from(width_mm), f64::from(height_mm));
        Self {
            width,
            height,
            body: String::new(),
            patterns: Vec::new(),
            title: title.to_owned(),
            leaves_labels_out: false,
            labels: Vec::new(),
        }
    }

    /// The same image without texts that have Indic letters.
    pub fn without_labels(self) -> Self {
        Self { leaves_labels_out: true, ..self }
    }

    /// The texts that are left out.
    pub fn take_labels(&mut self) -> Vec<Label> {
        std::mem::take(&mut self.labels)
    }

    /// A filled rectangle, nothing if it has no area; `fill` may be `url(#pattern)`.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let (x, y, width, height) = (n(x), n(y), n(width.max(0.0)), n(height.max(0.0)));
        if width == "0" || height == "0" {
            return;
        }
        let element = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"
        );
        self.body.push_str(&element);
    }

    /// The outline of a rectangle, within its bounds.
    pub fn outline(&mut self, x: f64, y: f64, width: f64, height: f64, color: &str) {
        let half = 0.1;
        let (x, y) = (n(x + half), n(y + half));
        let (width, height) = (n((width - 2.0 * half).max(0.0)), n((height - 2.0 * half).max(0.0)));
        let element = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"0.2\"/>"
        );
        self.body.push_str(&element);
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.polyline(&[from, to], stroke);
    }

    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            path.push_str(&format!("{command}{} {}", n(*x), n(*y)));
        }
        let dashes = if stroke.is_dashed { " stroke-dasharray=\"1.2 0.9\"" } else { "" };
        let element = format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{dashes} stroke-linejoin=\"round\"/>",
            stroke.color,
            n(stroke.width)
        );
        self.body.push_str(&element);
    }

    pub fn circle(&mut self, x: f64, y: f64, radius: f64, fill: &str) {
        let element = format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\"/>",
            n(x),
            n(y),
            n(radius)
        );
        self.body.push_str(&element);
    }

    /// A square on its corner, for points that break a rule.
    pub fn diamond(&mut self, x: f64, y: f64, radius: f64, fill: &str) {
        let corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)];
        let points: Vec<String> =
            corners.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect();
        let element = format!(
            "<polygon points=\"{}\" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"0.25\"/>",
            points.join(" "),
            ink::PAPER
        );
        self.body.push_str(&element);
    }

    /// A text at its baseline; `anchor` is start, middle or end.
    pub fn text(&mut self, x: f64, y: f64, anchor: &'static str, color: &'static str, text: &str) {
        if self.leaves_labels_out && text.chars().any(|sign| script_font(sign).is_some()) {
            let text = text.to_owned();
            return self.labels.push(Label { x, y, anchor, color, text });
        }
        let element = format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{color}\">{}</text>",
            n(x),
            n(y),
            runs(text)
        );
        self.body.push_str(&element);
    }

    /// A text that ends at a point and rises towards it.
    pub fn slanted(&mut self, x: f64, y: f64, color: &str, text: &str) {
        let (x, y) = (n(x), n(y));
        let element = format!(
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" fill=\"{color}\" transform=\"rotate(-{SLANT_DEGREES} {x} {y})\">{}</text>",
            runs(text)
        );
        self.body.push_str(&element);
    }

    /// The fill of a pattern, which is defined once per image.
    pub fn pattern(&mut self, name: &'static str) -> String {
        if !self.patterns.contains(&name) {
            self.patterns.push(name);
        }
        format!("url(#{name})")
    }

    /// The text of the image.
    pub fn finish(self) -> String {
        let mut defs = String::new();
        for name in &self.patterns {
            defs.push_str(&pattern(name));
        }
        let mut out = String::with_capacity(self.body.len() + 512);
        let (width, height) = (n(self.width), n(self.height));
        let written = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" \
             font-family=\"Inter, 'Noto Sans Malayalam', 'Noto Sans Devanagari', sans-serif\" font-size=\"{TEXT_MM}\">"
        );
        debug_assert!(written.is_ok(), "a String accepts every text");
        if !self.title.is_empty() {
            out.push_str(&format!("<title>{}</title>", escaped(&self.title)));
        }
        if !defs.is_empty() {
            out.push_str(&format!("<defs>{defs}</defs>"));
        }
        out.push_str(&self.body);
        out.push_str("</svg>");
        out
    }
}

/// The definition of a pattern.
fn pattern(name: &str) -> String {
    let (size, shapes) = match name {
        "hatch" => (
            1.6,
            format!(
                "<path d=\"M-0.4 0.4L0.4 -0.4M0 1.6L1.6 0M1.2 2L2 1.2\" stroke=\"{}\" stroke-width=\"0.3\"/>",
                ink::MUTED
            ),
        ),
        _ => (1.2, format!("<circle cx=\"0.6\" cy=\"0.6\" r=\"0.22\" fill=\"{}\"/>", ink::MUTED)),
    };
    format!(
        "<pattern id=\"{name}\" width=\"{size}\" height=\"{size}\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"{}\"/>{shapes}</pattern>",
        ink::PAPER
    )
}

/// Width of a text in millimetres, without kerning and joined letters.
pub fn text_width(text: &str) -> f64 {
    text.chars().map(|sign| char_width(sign).unwrap_or(UNKNOWN_WIDTH)).sum::<f64>() * TEXT_MM
}

/// The font of an Indic letter; `None` for other characters, which Inter has.
fn script_font(sign: char) -> Option<&'static str> {
    match sign {
        '\u{900}'..='\u{97F}' => Some("Noto Sans Devanagari"),
        '\u{D00}'..='\u{D7F}' => Some("Noto Sans Malayalam"),
        _ => None,
    }
}

/// Width and height that a slanted text takes, in millimetres.
pub fn slanted_size(text: &str) -> (f64, f64) {
    let (sine, cosine) = SLANT_DEGREES.to_radians().sin_cos();
    let width = text_width(text);
    // The height of the first letter leans to the left.
    (width * cosine + TEXT_MM * sine, width * sine)
}

/// A text whose runs of one script have the font of that script: renderers join letters only within one font.
fn runs(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let script = script_font(first);
        let is_other = |sign: char| !JOINERS.contains(&sign) && script_font(sign) != script;
        let end = rest.find(is_other).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match script {
            Some(family) => out.push_str(&format!(
                "<tspan font-family=\"{family}, Inter\">{}</tspan>",
                escaped(run)
            )),
            None => out.push_str(&escaped(run)),
        }
        rest = after;
    }
    out
}

/// A text of at most `chars` characters; a longer one ends with an ellipsis.
pub fn shortened(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let start: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{}…", start.trim_end())
}

/// A coordinate with two digits, without zeros at the end.
fn n(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A text as XML, without characters that XML does not have.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            sign if sign.is_control() => out.push(' '),
            sign => out.push(sign),
        }
    }
    out
}
