//! Options of OData requests: `$filter`, `$orderby`, `$select`, `$apply` and keys.
#![no_main]

use cockpit_fuzz::odata_syntax::SyntaxLimits;
use cockpit_fuzz::odata_syntax::apply::parse_apply;
use cockpit_fuzz::odata_syntax::expression::{
    Node, parse_filter, parse_key, parse_orderby, parse_select,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: SyntaxLimits = SyntaxLimits { depth: 64, nodes: 8_000 };

/// The levels of a tree and the number of its nodes.
fn size(node: &Node) -> (usize, usize) {
    let children: Vec<&Node> = match node {
        Node::Literal(_) | Node::Property(_) => Vec::new(),
        Node::Call(_, nodes) | Node::And(nodes) | Node::Or(nodes) => nodes.iter().collect(),
        Node::Compare(_, left, right) | Node::Compute(_, left, right) => vec![left, right],
        Node::In(value, _) | Node::Negate(value) | Node::Not(value) => vec![value],
    };
    let sizes = children.into_iter().map(size);
    let (depth, nodes) = sizes.fold((0, 0), |(depth, nodes), it| (depth.max(it.0), nodes + it.1));
    (depth + 1, nodes + 1)
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let end = text.chars().count() + 1;
    match parse_filter(text, LIMITS) {
        Ok(node) => {
            let (depth, nodes) = size(&node);
            assert!(
                depth <= LIMITS.depth && nodes <= LIMITS.nodes,
                "{depth} levels, {nodes} nodes"
            );
        }
        Err(error) => assert!((1..=end).contains(&error.at), "{error}"),
    }
    let errors = [
        parse_orderby(text, LIMITS).err(),
        parse_select(text, LIMITS).err(),
        parse_key(text, LIMITS).err(),
        parse_apply(text, LIMITS).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!((1..=end).contains(&error.at), "{error}");
    }
});
