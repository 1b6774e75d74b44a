//! Statements of PostgreSQL in the dialect of the query engine.
//!
//! *In*: parsed statements.
//! *Out*: statements with the same result that the engine can plan.
//! *Promise*: statements on the tables of the lake keep their meaning. Rules that rely on the content of the
//! catalogue apply only to statements that read it.

mod arrays;
mod elements;
mod never;
mod operators;
mod output;
mod parameters;
mod registered;
mod regproc;
mod subqueries;
mod tree;
mod walk;

pub use output::{MARK, without_mark};

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion_postgres::datafusion_pg_catalog::sql::rules::{
    CurrentUserVariableToSessionUserFunctionCall, FixArrayLiteral, PrependUnqualifiedPgTableName,
    ResolveUnqualifiedIdentifier, RewritePgCatalogOperator, SqlStatementRewriteRule,
    StripCallableQualifier, StripCollate,
};

/// The statements of a text. `declared` are the types of its parameters, 0 for unknown.
///
/// # Errors
/// The text is not SQL.
pub fn parse(
    sql: &str,
    reads_catalogue: bool,
    declared: &[u32],
) -> Result<Vec<Statement>, ParserError> {
    let mut parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql)?;
    for statement in &mut parsed {
        walk::statement(statement, &mut parameters::Declared(declared));
    }
    Ok(parsed.into_iter().map(|it| translate(it, reads_catalogue)).collect())
}

fn translate(mut statement: Statement, reads_catalogue: bool) -> Statement {
    let rules: [&dyn SqlStatementRewriteRule; 6] = [
        &PrependUnqualifiedPgTableName,
        &StripCallableQualifier,
        &FixArrayLiteral,
        &CurrentUserVariableToSessionUserFunctionCall,
        &StripCollate,
        &RewritePgCatalogOperator,
    ];
    for rule in rules {
        statement = rule.rewrite(statement);
    }
    if reads_catalogue {
        statement = ResolveUnqualifiedIdentifier.rewrite(statement);
        walk::statement(&mut statement, &mut never::Never);
        walk::statement(&mut statement, &mut regproc::ByName);
        walk::statement(&mut statement, &mut elements::Elements);
        walk::statement(&mut statement, &mut arrays::Vectors);
        walk::statement(&mut statement, &mut operators::OfCatalogue);
    }
    walk::statement(&mut statement, &mut operators::Operators);
    walk::statement(&mut statement, &mut registered::Registered);
    walk::statement(&mut statement, &mut subqueries::Subqueries { reads_catalogue });
    registered::show_names(&mut statement);
    output::name(&mut statement);
    if reads_catalogue {
        walk::statement(&mut statement, &mut output::Inner);
    }
    statement
}

#[cfg(test)]
mod tests;
