//! The syntax of `$filter`, `$orderby`, `$select`, `$apply` and of keys, by the URL conventions of OData 4.0.
//!
//! *In*: the text of a query option.
//! *Out*: a tree of names, literals and operators; names and types are not checked here.
//! *Promise*: pure. A tree is at most as deep and has at most as many nodes as [`SyntaxLimits`] allow, whatever
//! the text is, so it can be processed by recursion.

pub mod apply;
pub mod expression;
pub mod literal;
mod tokens;

use std::fmt;

/// Limits of a parsed option.
#[derive(Debug, Clone, Copy)]
pub struct SyntaxLimits {
    /// Levels of the tree.
    pub depth: usize,
    /// Names, literals, calls and operators.
    pub nodes: usize,
}

/// Why an option cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Character of the option at which the error was found, from 1.
    pub at: usize,
    pub message: String,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}", self.message, self.at)
    }
}
