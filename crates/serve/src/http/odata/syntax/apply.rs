//! `$apply`: filters, groups and aggregates, by the OData extension for data aggregation 4.0.

use super::expression::{Node, Parser};
use super::tokens::TokenKind;
use super::{SyntaxError, SyntaxLimits};

/// A transformation of a set of rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Filter(Node),
    /// One row for each combination of the properties; without properties one row.
    Group {
        properties: Vec<String>,
        aggregates: Vec<Aggregate>,
    },
}

/// An aggregate of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    pub method: Method,
    /// The property that is aggregated; none for [`Method::Count`].
    pub property: Option<String>,
    /// The name of the result.
    pub alias: String,
}

/// How the values of a group are aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Sum,
    Min,
    Max,
    Average,
    CountDistinct,
    /// The number of rows.
    Count,
}

const METHODS: [(&str, Method); 5] = [
    ("sum", Method::Sum),
    ("min", Method::Min),
    ("max", Method::Max),
    ("average", Method::Average),
    ("countdistinct", Method::CountDistinct),
];

/// Parses `$apply`: transformations with slashes between them, at most as many as levels are allowed.
pub fn parse_apply(text: &str, limits: SyntaxLimits) -> Result<Vec<Step>, SyntaxError> {
    let mut parser = Parser::new(text, limits)?;
    let mut steps = vec![step(&mut parser)?];
    while parser.take(&TokenKind::Slash) {
        steps.push(step(&mut parser)?);
        if steps.len() > limits.depth {
            return Err(parser.unexpected(&format!("at most {} transformations", limits.depth)));
        }
    }
    parser.end()?;
    Ok(steps)
}

fn step(parser: &mut Parser) -> Result<Step, SyntaxError> {
    let expected = "filter, groupby or aggregate";
    let name = parser.name(expected)?;
    parser.expect(&TokenKind::Open, "`(`")?;
    let step = match name.as_str() {
        "filter" => Step::Filter(parser.expression()?),
        "groupby" => group(parser)?,
        "aggregate" => Step::Group { properties: Vec::new(), aggregates: aggregates(parser)? },
        _ => return Err(parser.unexpected(&format!("{expected}: `{name}` is not supported"))),
    };
    parser.expect(&TokenKind::Close, "`)`")?;
    Ok(step)
}

/// `(a,b),aggregate(…)` of a `groupby`.
fn group(parser: &mut Parser) -> Result<Step, SyntaxError> {
    parser.expect(&TokenKind::Open, "`(` with the properties of the group")?;
    let mut properties = vec![parser.name("a property")?];
    while parser.take(&TokenKind::Comma) {
        properties.push(parser.name("a property")?);
    }
    parser.expect(&TokenKind::Close, "`)`")?;
    let mut found = Vec::new();
    if parser.take(&TokenKind::Comma) {
        if !parser.take_word("aggregate") {
            return Err(parser.unexpected("aggregate"));
        }
        parser.expect(&TokenKind::Open, "`(`")?;
        found = aggregates(parser)?;
        parser.expect(&TokenKind::Close, "`)`")?;
    }
    Ok(Step::Group { properties, aggregates: found })
}

fn aggregates(parser: &mut Parser) -> Result<Vec<Aggregate>, SyntaxError> {
    let mut found = vec![aggregate(parser)?];
    while parser.take(&TokenKind::Comma) {
        found.push(aggregate(parser)?);
    }
    Ok(found)
}

/// `amount with sum as total`, or `$count as rows`.
fn aggregate(parser: &mut Parser) -> Result<Aggregate, SyntaxError> {
    let (method, property) = match parser.take_word("$count") {
        true => (Method::Count, None),
        false => {
            let property = parser.name("a property or $count")?;
            if !parser.take_word("with") {
                return Err(parser.unexpected("with"));
            }
            (method(parser)?, Some(property))
        }
    };
    if !parser.take_word("as") {
        return Err(parser.unexpected("as"));
    }
    Ok(Aggregate { method, property, alias: parser.name("a name for the aggregate")? })
}

fn method(parser: &mut Parser) -> Result<Method, SyntaxError> {
    let found = METHODS.iter().find(|(word, _)| parser.take_word(word));
    let expected = "sum, min, max, average or countdistinct";
    found.map(|(_, method)| *method).ok_or_else(|| parser.unexpected(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SyntaxLimits = SyntaxLimits { depth: 8, nodes: 100 };

    #[test]
    fn groups_and_aggregates_are_parsed() {
        let text = "filter(a gt 1)/groupby((b,c),aggregate(a with sum as total,$count as rows))";
        let steps = parse_apply(text, LIMITS).unwrap();
        let [Step::Filter(_), Step::Group { properties, aggregates }] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(properties, &["b", "c"]);
        let sum =
            Aggregate { method: Method::Sum, property: Some("a".into()), alias: "total".into() };
        let rows = Aggregate { method: Method::Count, property: None, alias: "rows".into() };
        assert_eq!(aggregates, &[sum, rows]);
        let whole = parse_apply("aggregate(a with max as most)", LIMITS).unwrap();
        assert!(matches!(&whole[..], [Step::Group { properties, .. }] if properties.is_empty()));
        assert_eq!(parse_apply("groupby((b))", LIMITS).unwrap().len(), 1);
    }

    #[test]
    fn other_transformations_are_refused() {
        for text in [
            "topcount(5,a)",
            "groupby(a)",
            "aggregate(a with median as m)",
            "aggregate(a with sum)",
            "groupby((a),filter(b eq 1))",
            "aggregate(a with sum as s)/",
            "",
        ] {
            assert!(parse_apply(text, LIMITS).is_err(), "{text}");
        }
        let long = ["groupby((a))"; 9].join("/");
        assert!(parse_apply(&long, LIMITS).is_err());
    }
}
