//! Decoration of numbers: signs in front or behind, accounting brackets, currencies, percent signs
//! and other units.

use crate::contract::{NumberStyle, Units};
use crate::format::trim;

/// Minus signs: ASCII, typographic and full width.
const MINUS: [char; 7] =
    ['-', '\u{2212}', '\u{2010}', '\u{2011}', '\u{2013}', '\u{fe63}', '\u{ff0d}'];
const PLUS: [char; 2] = ['+', '\u{ff0b}'];
const PERCENT: char = '%';
/// Apostrophes used as thousands separators in Swiss files.
const APOSTROPHES: [char; 4] = ['\'', '\u{2019}', '\u{2bc}', '\u{b4}'];

/// ISO 4217 currency codes in use, without metals, funds and test codes.
const CURRENCIES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND \
    BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNH CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP \
    ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR \
    ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD \
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN \
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS \
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR \
    ZMW ZWG";

/// A text split into the number without sign and its decoration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NumberParts<'a> {
    /// The number; it does not start with a sign.
    pub(super) number: &'a str,
    pub(super) is_negative: bool,
    pub(super) is_percent: bool,
}

impl<'a> NumberParts<'a> {
    /// Splits a text; `None` if a second sign is left or if signs and brackets contradict each
    /// other. Does not check that the rest is a number.
    pub(super) fn parse(text: &'a str, style: &NumberStyle) -> Option<Self> {
        let mut parts = Parts { text: trim(text), sign: None, unit: None };
        while parts.take_sign() || parts.take_unit(&style.units) {
            parts.text = trim(parts.text);
        }
        let number = parts.text;
        let is_bare = !number.starts_with(MINUS) && !number.starts_with(PLUS);
        is_bare.then_some(Self {
            number,
            is_negative: parts.sign == Some(true),
            is_percent: parts.unit.is_some_and(|unit| unit.contains(PERCENT)),
        })
    }
}

/// A text while its decoration is removed.
struct Parts<'a> {
    text: &'a str,
    /// Whether the sign found is negative; brackets count as negative.
    sign: Option<bool>,
    unit: Option<&'a str>,
}

impl Parts<'_> {
    fn take_sign(&mut self) -> bool {
        if self.sign.is_some() {
            return false;
        }
        let text = self.text;
        let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        let minus = inner.or_else(|| text.strip_prefix(MINUS)).or_else(|| text.strip_suffix(MINUS));
        let plus = text.strip_prefix(PLUS).or_else(|| text.strip_suffix(PLUS));
        self.sign = minus.map(|_| true).or(plus.map(|_| false));
        self.text = minus.or(plus).unwrap_or(text);
        self.sign.is_some()
    }

    fn take_unit(&mut self, units: &Units) -> bool {
        if self.unit.is_some() {
            return false;
        }
        let text = self.text;
        let len = match units {
            Units::Currency => money_before(text),
            Units::Only(units) => longest(units, |unit| text.starts_with(unit)),
        };
        if let Some(len) = len {
            (self.unit, self.text) = (Some(&text[..len]), &text[len..]);
            return true;
        }
        let len = match units {
            Units::Currency => money_behind(text),
            Units::Only(units) => longest(units, |unit| text.ends_with(unit)),
        };
        if let Some(len) = len {
            let (rest, unit) = text.split_at(text.len() - len);
            (self.unit, self.text) = (Some(unit), rest);
        }
        self.unit.is_some()
    }
}

/// Length of the longest unit that matches.
fn longest(units: &[String], fits: impl Fn(&str) -> bool) -> Option<usize> {
    let fitting = units.iter().filter(|unit| !unit.is_empty() && fits(unit));
    fitting.map(String::len).max()
}

/// Length of a currency or percent sign in front of a number: `EUR`, `€`, `US$`, `%`.
fn money_before(text: &str) -> Option<usize> {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    if letters == 3 && is_currency(&text[..letters]) {
        return Some(letters);
    }
    let sign = text[letters..].chars().next().filter(|sign| is_sign(*sign))?;
    (letters == 0 || (letters < 3 && sign == '$')).then_some(letters + sign.len_utf8())
}

/// Length of a currency or percent sign behind a number.
fn money_behind(text: &str) -> Option<usize> {
    let letters = text.bytes().rev().take_while(u8::is_ascii_uppercase).count();
    if letters == 3 && is_currency(&text[text.len() - letters..]) {
        return Some(letters);
    }
    let sign = text.chars().next_back().filter(|sign| is_sign(*sign))?;
    Some(sign.len_utf8())
}

fn is_currency(code: &str) -> bool {
    CURRENCIES.split_ascii_whitespace().any(|known| known == code)
}

/// Whether a character is a percent sign or the symbol of a whole currency unit; cent signs are
/// not.
fn is_sign(sign: char) -> bool {
    matches!(
        sign,
        PERCENT
            | '$'
            | '\u{a3}'..='\u{a5}'
            | '\u{58f}'
            | '\u{60b}'
            | '\u{9f2}'
            | '\u{9f3}'
            | '\u{af1}'
            | '\u{bf9}'
            | '\u{e3f}'
            | '\u{17db}'
            | '\u{20a0}'..='\u{20c0}'
            | '\u{fdfc}'
            | '\u{fe69}'
            | '\u{ff04}'
            | '\u{ffe1}'
            | '\u{ffe5}'
            | '\u{ffe6}'
    )
}

/// Whether a character is the `configured` thousands separator or an equivalent: another kind of
/// space for a space, another apostrophe for an apostrophe.
pub(super) fn is_same_separator(configured: char, sign: char) -> bool {
    let is_blank = |sign: char| sign.is_whitespace() && !sign.is_control();
    configured == sign
        || (is_blank(configured) && is_blank(sign))
        || (APOSTROPHES.contains(&configured) && APOSTROPHES.contains(&sign))
}
