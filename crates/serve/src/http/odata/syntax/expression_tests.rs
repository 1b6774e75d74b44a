use super::*;

const LIMITS: SyntaxLimits = SyntaxLimits { depth: 32, nodes: 200 };

/// A tree as text, with parentheses around each node.
fn shown(node: &Node) -> String {
    let list = |nodes: &[Node]| nodes.iter().map(shown).collect::<Vec<_>>();
    match node {
        Node::Literal(Literal::Text(text)) => format!("'{text}'"),
        Node::Literal(Literal::Integer(number)) => number.to_string(),
        Node::Literal(other) => format!("{other:?}"),
        Node::Property(name) => name.clone(),
        Node::Call(name, arguments) => format!("{name}({})", list(arguments).join(", ")),
        Node::Compare(by, left, right) => format!("({by:?} {} {})", shown(left), shown(right)),
        Node::Compute(by, left, right) => format!("({by:?} {} {})", shown(left), shown(right)),
        Node::In(value, literals) => format!("({} in {})", shown(value), literals.len()),
        Node::Negate(value) => format!("(-{})", shown(value)),
        Node::Not(value) => format!("(not {})", shown(value)),
        Node::And(parts) => format!("(and {})", list(parts).join(" ")),
        Node::Or(parts) => format!("(or {})", list(parts).join(" ")),
    }
}

fn check(text: &str, expected: &str) {
    let parsed = parse_filter(text, LIMITS).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(shown(&parsed), expected, "{text}");
}

fn refused(text: &str, limits: SyntaxLimits) -> String {
    parse_filter(text, limits).expect_err(text).to_string()
}

#[test]
fn operators_bind_by_their_precedence() {
    check("a eq 1 or b eq 2 and c eq 3", "(or (Eq a 1) (and (Eq b 2) (Eq c 3)))");
    check("(a eq 1 or b eq 2) and c eq 3", "(and (or (Eq a 1) (Eq b 2)) (Eq c 3))");
    check("a add 2 mul 3 gt 4 sub 1", "(Gt (Add a (Mul 2 3)) (Sub 4 1))");
    check("a sub b sub c eq 0", "(Eq (Sub (Sub a b) c) 0)");
    check("not a and b", "(and (not a) b)");
    check("not (a eq b)", "(not (Eq a b))");
    check("-a lt -5", "(Lt (-a) -5)");
    check("a in (1,2,3) and b ne 'x'", "(and (a in 3) (Ne b 'x'))");
    check("contains(tolower(a),'x') eq true", "(Eq contains(tolower(a), 'x') Bool(true))");
    check("now() gt a", "(Gt now() a)");
    check("station eq 'ലൈൻ 1'", "(Eq station 'ലൈൻ 1')");
}

#[test]
fn errors_name_the_position() {
    assert_eq!(
        refused("a eq", LIMITS),
        "expected a property, a literal or a function, found the end at character 5"
    );
    assert_eq!(
        refused("a eq 1 b", LIMITS),
        "expected an operator or the end, found `b` at character 8"
    );
    assert_eq!(refused("(a eq 1", LIMITS), "expected `)`, found the end at character 8");
    assert!(refused("a in ()", LIMITS).starts_with("expected a literal"));
    assert!(refused("", LIMITS).starts_with("expected a property"));
    assert!(refused("a/b eq 1", LIMITS).starts_with("expected an operator or the end, found `/`"));
}

#[test]
fn depth_and_nodes_are_limited() {
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse_filter(&nested(32), LIMITS).is_ok());
    assert!(refused(&nested(33), LIMITS).contains("nested deeper than 32 levels"));
    assert!(refused(&"not ".repeat(1_000_000), LIMITS).contains("more than 200"));
    let deep = SyntaxLimits { depth: 32, nodes: usize::MAX };
    assert!(refused(&"not ".repeat(100_000), deep).contains("nested deeper"));
    assert!(refused(&format!("a{} eq 1", " add 1".repeat(100)), deep).contains("nested deeper"));
    assert!(refused(&"f(".repeat(100_000), deep).contains("nested deeper"));
    let many = ["a eq 1"; 45].join(" or ");
    assert!(parse_filter(&many, LIMITS).is_ok(), "a long chain is not deep");
    assert!(refused(&["a eq 1"; 101].join(" or "), LIMITS).contains("more than 200"));
}

#[test]
fn lists_are_parsed() {
    let sort = |property: &str, is_descending| Sort { property: property.into(), is_descending };
    let found = parse_orderby("a desc, b asc,c", LIMITS).unwrap();
    assert_eq!(found, [sort("a", true), sort("b", false), sort("c", false)]);
    assert!(parse_orderby("a up", LIMITS).is_err());
    let names = parse_select("a,b", LIMITS).unwrap();
    assert_eq!(names, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(parse_select("*", LIMITS).unwrap(), None);
    let key = parse_key("a='x',b=2", LIMITS).unwrap();
    let text = Literal::Text("x".into());
    assert_eq!(key, [(Some("a".into()), text), (Some("b".into()), Literal::Integer(2))]);
    assert_eq!(parse_key("5", LIMITS).unwrap(), [(None, Literal::Integer(5))]);
    assert!(parse_key("a=b", LIMITS).is_err());
}
