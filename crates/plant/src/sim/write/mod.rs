//! Records in the formats of the plant's systems.
//!
//! *In*: what happened. *Out*: one line of a dump per record, appended as bytes, without line end.
//! *Promise*: byte for byte the layout of the reference plant, including its irregular formats.

pub mod erp;
pub mod mes;
pub mod stamp;

/// Appends an integer.
pub fn push_number(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = number.unsigned_abs();
    while left > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends an integer padded with zeros to a width.
pub fn push_padded(out: &mut Vec<u8>, number: i64, width: usize) {
    let from = out.len();
    push_number(out, number);
    let missing = width.saturating_sub(out.len() - from);
    out.splice(from..from, std::iter::repeat_n(b'0', missing));
}

/// Appends ten-thousandths as a decimal number without trailing zeros.
pub fn push_e4(out: &mut Vec<u8>, number_e4: i64) {
    if number_e4 < 0 {
        out.push(b'-');
    }
    let size = number_e4.unsigned_abs().cast_signed();
    push_number(out, size / 10_000);
    if size % 10_000 != 0 {
        out.push(b'.');
        push_padded(out, size % 10_000, 4);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Appends a field of a comma-separated line, quoted if it contains a comma.
pub fn push_quoted(out: &mut Vec<u8>, text: &str) {
    let quote = if text.contains(',') { "\"" } else { "" };
    for part in [quote, text, quote] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends a text.
pub fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl Fn(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn numbers() {
        check(|out| push_number(out, 0), "0");
        check(|out| push_number(out, -120), "-120");
        check(|out| push_number(out, i64::MIN), "-9223372036854775808");
        check(|out| push_padded(out, 7, 4), "0007");
        check(|out| push_e4(out, -12_500), "-1.25");
        check(|out| push_e4(out, -25), "-0.0025");
        check(|out| push_e4(out, 1_750_000), "175");
        check(|out| push_quoted(out, "a,b"), "\"a,b\"");
    }
}
