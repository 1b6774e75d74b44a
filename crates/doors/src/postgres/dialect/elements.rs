//! Elements of an array beside the row that has it.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Join, JoinOperator, Select, SetExpr, Statement, TableAlias, TableFactor,
    TableWithJoins, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// Replaces `t CROSS JOIN unnest(t.a) AS b`, which the engine plans for constant arrays only, by
/// `(SELECT *, unnest(t.a) AS b FROM t) AS t`.
pub struct Elements;

impl VisitorMut for Elements {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for table in &mut select.from {
            if let Some((place, with_elements)) = joined(table) {
                table.relation = with_elements;
                table.joins.remove(place);
            }
        }
        ControlFlow::Continue(())
    }
}

/// The place of a join with the elements of a column, and the table with these as one more column.
fn joined(table: &TableWithJoins) -> Option<(usize, TableFactor)> {
    let TableFactor::Table { alias, name, args: None, .. } = &table.relation else { return None };
    let name = match alias {
        Some(alias) => alias.name.clone(),
        None => Ident::new(super::tree::last(name)),
    };
    let is_of_table = |array: &Expr| match array {
        Expr::Identifier(_) => true,
        Expr::CompoundIdentifier(parts) => parts.first().is_some_and(|it| it.value == name.value),
        _ => false,
    };
    let found = table.joins.iter().map(elements).enumerate();
    let mut found =
        found.filter_map(|(place, it)| it.map(|(array, element)| (place, array, element)));
    let (place, array, element) = found.find(|(_, array, _)| is_of_table(array))?;
    let sql = format!("SELECT *, unnest({array}) AS {element} FROM {}", table.relation);
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql).ok()?.pop()?;
    let Statement::Query(subquery) = parsed else { return None };
    let SetExpr::Select(_) = subquery.body.as_ref() else { return None };
    let alias = TableAlias { explicit: true, name, columns: vec![], at: None };
    Some((
        place,
        TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None },
    ))
}

/// The array of a join with its elements, and the name of an element.
fn elements(join: &Join) -> Option<(&Expr, &Ident)> {
    let JoinOperator::CrossJoin(_) = &join.join_operator else { return None };
    let TableFactor::UNNEST {
        array_exprs,
        alias: Some(alias),
        with_offset: false,
        with_ordinality: false,
        ..
    } = &join.relation
    else {
        return None;
    };
    let [array] = array_exprs.as_slice() else { return None };
    let column = alias.columns.first().map(|it| &it.name);
    Some((array, column.unwrap_or(&alias.name)))
}
