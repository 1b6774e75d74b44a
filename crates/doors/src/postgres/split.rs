//! Separates the statements of a text.

/// The statements of `sql`, without the semicolons and without comments before them.
pub fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = sql;
    loop {
        let begun = skip_comments(rest);
        let end = end_of_statement(begun);
        let (statement, after) = begun.split_at(end);
        let statement = statement.trim();
        found.extend((!statement.is_empty()).then_some(statement));
        match after.strip_prefix(';') {
            Some(next) => rest = next,
            None => return found,
        }
    }
}

/// `sql` without white space and comments at its beginning.
fn skip_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let skipped = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else {
            return rest;
        };
        rest = rest.get(skipped..).unwrap_or_default().trim_start();
    }
}

/// Bytes up to the semicolon that ends the first statement, or to the end.
fn end_of_statement(sql: &str) -> usize {
    let bytes = sql.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = sql.get(at..).unwrap_or_default();
        at += match byte {
            b';' => return at,
            b'\'' => quoted(rest, b'\'', is_escape_string(sql, at)),
            b'"' => quoted(rest, b'"', false),
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => block_comment(rest),
            b'$' => dollar_quoted(rest),
            _ => 1,
        };
    }
    sql.len()
}

/// Whether the quote at `at` begins `E'...'`, in which a backslash escapes.
fn is_escape_string(sql: &str, at: usize) -> bool {
    let before = sql.get(..at).unwrap_or_default();
    let mut last = before.chars().rev();
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    matches!(last.next(), Some('e' | 'E')) && !last.next().is_some_and(is_word)
}

/// Bytes of a quoted text at the beginning. Doubled quotes are two texts without a gap, which does no harm.
fn quoted(text: &str, quote: u8, has_escapes: bool) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && has_escapes {
            let _escaped = bytes.next();
        } else if byte == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Bytes of a comment at the beginning, which may contain others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Bytes of `$tag$...$tag$` at the beginning, or 1 if it is a parameter or a part of a name.
fn dollar_quoted(text: &str) -> usize {
    let Some(tag) = text.get(1..).and_then(|rest| rest.find('$')) else { return 1 };
    let Some(opening) = text.get(..tag + 2) else { return 1 };
    let name = opening.trim_matches('$');
    let is_name = name.chars().all(|it| it.is_alphanumeric() || it == '_')
        && !name.starts_with(|it: char| it.is_ascii_digit());
    if !is_name {
        return 1;
    }
    let body = text.get(opening.len()..).unwrap_or_default();
    body.find(opening).map_or(text.len(), |at| opening.len() + at + opening.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(sql: &str, expected: &[&str]) {
        assert_eq!(statements(sql), expected, "{sql}");
    }

    #[test]
    fn semicolons_separate_statements() {
        check("", &[]);
        check(" ;; ", &[]);
        check("select 1", &["select 1"]);
        check("select 1; select 2 ;", &["select 1", "select 2"]);
        check("-- a; b\n/* c; /* d */ ; */select 1 -- ;\n; x", &["select 1 -- ;", "x"]);
    }

    #[test]
    fn semicolons_in_texts_and_names_do_not() {
        check("select ';', \"a;b\", 'it''s;'; x", &["select ';', \"a;b\", 'it''s;'", "x"]);
        check(r"select 'a\'; x", &[r"select 'a\'", "x"]);
        check(r"select E'a\';b'; x", &[r"select E'a\';b'", "x"]);
        check("select $$a;b$$, $t$;$$;$t$; x", &["select $$a;b$$, $t$;$$;$t$", "x"]);
        check("select $1;select $2", &["select $1", "select $2"]);
        check("select 'open ; end", &["select 'open ; end"]);
    }

    proptest! {
        #[test]
        fn any_text_is_separated(sql in r#"[-'"$;/*eE\\ a1ä\n]{0,40}"#) {
            let found = statements(&sql);
            prop_assert!(found.iter().map(|it| it.len()).sum::<usize>() <= sql.len());
        }
    }
}
