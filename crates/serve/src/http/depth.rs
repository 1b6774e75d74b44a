//! Bounds the depth of statements before they are parsed.
//!
//! A chain such as `1 + 1 + 1` becomes a tree with a level for each operator. Planning and even dropping such
//! a tree calls itself for each level, and a stack that is exhausted ends the program. So operators are counted
//! in the tokens of the statement, which needs no recursion. The parser itself bounds parentheses.

use super::error::Error;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Refuses a statement that would have more than `levels_max` levels.
///
/// # Errors
/// There are more.
pub fn check(sql: &str, levels_max: usize) -> Result<(), Error> {
    // The parser reports what is not SQL.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    if levels(&tokens) <= levels_max {
        return Ok(());
    }
    let message = format!(
        "the statement has a chain of more than {levels_max} operators, joins or unions: use IN with a list, \
         or separate statements"
    );
    Err(Error::bad("too_deep", message))
}

/// The operators between two parentheses or commas, by their precedence: each kind continues its own chain
/// until one that binds less ends it.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    unions: usize,
    joins: usize,
    ors: usize,
    ands: usize,
    others: usize,
    longest_ands: usize,
    longest_others: usize,
}

impl Chain {
    fn levels(&self) -> usize {
        let of_expressions = self.ors + self.longest_ands + self.longest_others;
        self.unions + self.joins + of_expressions
    }

    fn add(&mut self, token: &Token) {
        match token {
            Token::Comma => {
                *self = Self { unions: self.unions, joins: self.joins, ..Self::default() }
            }
            Token::Word(word) => self.add_word(word.keyword),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Period
            | Token::Whitespace(_)
            | Token::Placeholder(_) => {}
            _ => self.add_other(),
        }
    }

    fn add_word(&mut self, keyword: Keyword) {
        match keyword {
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => self.unions += 1,
            Keyword::JOIN => self.joins += 1,
            // The branches of CASE are beside each other.
            Keyword::SELECT
            | Keyword::WHERE
            | Keyword::ON
            | Keyword::HAVING
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE => {
                *self = Self { unions: self.unions, joins: self.joins, ..Self::default() };
            }
            Keyword::OR => {
                self.ors += 1;
                (self.ands, self.others) = (0, 0);
            }
            Keyword::AND => {
                self.ands += 1;
                self.longest_ands = self.longest_ands.max(self.ands);
                self.others = 0;
            }
            Keyword::IS | Keyword::NOT | Keyword::LIKE | Keyword::COLLATE | Keyword::AT => {
                self.add_other();
            }
            _ => {}
        }
    }

    fn add_other(&mut self) {
        self.others += 1;
        self.longest_others = self.longest_others.max(self.others);
    }
}

/// A token that begins or ends an expression within another one.
enum Bracket {
    Open,
    Close,
}

fn bracket(token: &Token) -> Option<Bracket> {
    match token {
        Token::LParen => Some(Bracket::Open),
        Token::RParen => Some(Bracket::Close),
        Token::Word(word) if word.keyword == Keyword::CASE => Some(Bracket::Open),
        Token::Word(word) if word.keyword == Keyword::END => Some(Bracket::Close),
        _ => None,
    }
}

/// The levels that a statement has at most.
fn levels(tokens: &[Token]) -> usize {
    let mut open = vec![Chain::default()];
    let mut above = 0;
    let mut most = 0;
    for token in tokens {
        match bracket(token) {
            Some(Bracket::Open) => {
                above += open.last().map_or(0, Chain::levels) + 1;
                open.push(Chain::default());
                continue;
            }
            Some(Bracket::Close) if open.len() > 1 => {
                open.pop();
                above -= open.last().map_or(0, Chain::levels) + 1;
                continue;
            }
            Some(Bracket::Close) => continue,
            None => {}
        }
        match token {
            Token::SemiColon => {
                open = vec![Chain::default()];
                above = 0;
            }
            token => {
                let Some(chain) = open.last_mut() else { continue };
                chain.add(token);
                most = most.max(above + chain.levels());
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_levels(sql: &str, expected: std::ops::RangeInclusive<usize>) {
        let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap();
        let found = levels(&tokens);
        assert!(
            expected.contains(&found),
            "{found} in {}",
            sql.chars().take(80).collect::<String>()
        );
    }

    #[test]
    fn chains_are_counted() {
        check_levels("SELECT 1", 0..=1);
        check_levels(&format!("SELECT {}", vec!["1"; 300].join("+")), 299..=301);
        check_levels(&format!("SELECT {}", vec!["a = 1 AND b = 2"; 300].join(" OR ")), 299..=305);
        check_levels(&vec!["SELECT 1"; 300].join(" UNION "), 299..=301);
        check_levels(&format!("SELECT 1 FROM t {}", "JOIN u ON a = b ".repeat(300)), 300..=302);
        check_levels(&format!("SELECT x{}", "::int".repeat(300)), 300..=301);
        check_levels(&format!("SELECT {}", "NOT ".repeat(300)), 300..=300);
    }

    #[test]
    fn lists_are_not_chains() {
        check_levels(&format!("SELECT 1 WHERE a IN ({})", vec!["-1"; 3_000].join(",")), 1..=5);
        check_levels(&format!("SELECT {}", vec!["a + 1"; 300].join(", ")), 1..=2);
        check_levels(&vec!["SELECT 1 + 1"; 300].join(";"), 1..=2);
        let branches = "WHEN a = 1 OR a = 2 THEN a + 1 ".repeat(300);
        check_levels(&format!("SELECT CASE {branches} ELSE -1 END"), 3..=6);
    }

    #[test]
    fn parentheses_add_to_what_is_around_them() {
        let inner = vec!["1"; 200].join("+");
        check_levels(&format!("SELECT {inner} + ({inner} + ({inner}))"), 600..=610);
        check_levels(&"(".repeat(40), 0..=40);
        check_levels(")))", 0..=1);
        let cases = vec!["CASE WHEN a = 1 THEN 1 END"; 300].join(" + ");
        check_levels(&format!("SELECT {cases}"), 300..=305);
    }

    #[test]
    fn a_chain_that_is_too_long_is_refused() {
        assert!(check(&format!("SELECT {}", vec!["1"; 100].join("+")), 100).is_ok());
        let refused = check(&format!("SELECT {}", vec!["1"; 102].join("+")), 100).unwrap_err();
        assert_eq!(refused.code, "too_deep");
    }
}
