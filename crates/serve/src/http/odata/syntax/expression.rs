//! Expressions of `$filter`, and the lists of `$orderby`, `$select` and keys.

use super::literal::Literal;
use super::tokens::{Lexeme, TokenKind, tokens};
use super::{SyntaxError, SyntaxLimits};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Literal(Literal),
    Property(String),
    Call(String, Vec<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Compute(Arithmetic, Box<Node>, Box<Node>),
    /// Whether the value is one of the literals.
    In(Box<Node>, Vec<Literal>),
    Negate(Box<Node>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

/// A property to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    pub property: String,
    pub is_descending: bool,
}

/// Parses `$filter`.
pub fn parse_filter(text: &str, limits: SyntaxLimits) -> Result<Node, SyntaxError> {
    let mut parser = Parser::new(text, limits)?;
    let node = parser.expression()?;
    parser.end()?;
    Ok(node)
}

/// Parses `$orderby`: properties with `asc` or `desc`, separated by commas.
pub fn parse_orderby(text: &str, limits: SyntaxLimits) -> Result<Vec<Sort>, SyntaxError> {
    let mut parser = Parser::new(text, limits)?;
    let mut sorts = Vec::new();
    loop {
        let property = parser.name("a property")?;
        let is_descending = parser.take_word("desc");
        if !is_descending {
            parser.take_word("asc");
        }
        sorts.push(Sort { property, is_descending });
        if !parser.take(&TokenKind::Comma) {
            break;
        }
    }
    parser.end()?;
    Ok(sorts)
}

/// Parses `$select`: properties separated by commas; `None` for `*`.
pub fn parse_select(text: &str, limits: SyntaxLimits) -> Result<Option<Vec<String>>, SyntaxError> {
    let mut parser = Parser::new(text, limits)?;
    let (mut names, mut is_all) = (Vec::new(), false);
    loop {
        if parser.take(&TokenKind::Star) {
            is_all = true;
        } else {
            names.push(parser.name("a property")?);
        }
        if !parser.take(&TokenKind::Comma) {
            break;
        }
    }
    parser.end()?;
    Ok((!is_all).then_some(names))
}

/// Parses the key of an entity, the text between the parentheses: `'x'` or `a='x',b=2`. A literal without a
/// name belongs to the only property of the key.
pub fn parse_key(
    text: &str,
    limits: SyntaxLimits,
) -> Result<Vec<(Option<String>, Literal)>, SyntaxError> {
    let mut parser = Parser::new(text, limits)?;
    let mut parts = Vec::new();
    loop {
        let name = match parser.peek() {
            TokenKind::Word(_) => Some(parser.name("a property")?),
            _ => None,
        };
        if name.is_some() {
            parser.expect(&TokenKind::Equals, "=")?;
        }
        parts.push((name, parser.literal()?));
        if !parser.take(&TokenKind::Comma) {
            break;
        }
    }
    parser.end()?;
    Ok(parts)
}

/// A node and the levels below it.
type Tall = (Node, usize);

pub(super) struct Parser {
    tokens: Vec<Lexeme>,
    position: usize,
    /// Levels of parentheses, calls and signs that are open.
    open: usize,
    nodes: usize,
    limits: SyntaxLimits,
}

impl Parser {
    pub(super) fn new(text: &str, limits: SyntaxLimits) -> Result<Self, SyntaxError> {
        let tokens = tokens(text)?;
        let mut parser = Self { tokens, position: 0, open: 0, nodes: 0, limits };
        // A list of names has no more names than tokens.
        parser.nodes = parser.tokens.len() / 2;
        parser.check_nodes()?;
        parser.nodes = 0;
        Ok(parser)
    }

    fn token(&self) -> Option<&Lexeme> {
        self.tokens.get(self.position).or(self.tokens.last())
    }

    fn at(&self) -> usize {
        self.token().map_or(1, |it| it.at)
    }

    pub(super) fn peek(&self) -> &TokenKind {
        self.token().map_or(&TokenKind::End, |it| &it.kind)
    }

    /// Reads the next token if it is `kind`.
    pub(super) fn take(&mut self, kind: &TokenKind) -> bool {
        let is_next = self.peek() == kind;
        self.position += usize::from(is_next);
        is_next
    }

    /// Reads the next token if it is this word.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), TokenKind::Word(found) if found == word);
        self.position += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, kind: &TokenKind, name: &str) -> Result<(), SyntaxError> {
        if self.take(kind) { Ok(()) } else { Err(self.unexpected(name)) }
    }

    pub(super) fn end(&self) -> Result<(), SyntaxError> {
        if *self.peek() == TokenKind::End {
            Ok(())
        } else {
            Err(self.unexpected("an operator or the end"))
        }
    }

    pub(super) fn name(&mut self, what: &str) -> Result<String, SyntaxError> {
        let TokenKind::Word(name) = self.peek() else { return Err(self.unexpected(what)) };
        let name = name.clone();
        self.position += 1;
        Ok(name)
    }

    fn literal(&mut self) -> Result<Literal, SyntaxError> {
        let TokenKind::Literal(literal) = self.peek() else {
            return Err(self.unexpected("a literal"));
        };
        let literal = literal.clone();
        self.position += 1;
        self.count_node()?;
        Ok(literal)
    }

    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let found = match self.peek() {
            TokenKind::End => "the end".to_owned(),
            TokenKind::Word(word) => format!("`{word}`"),
            TokenKind::Literal(_) => "a literal".to_owned(),
            TokenKind::Open => "`(`".to_owned(),
            TokenKind::Close => "`)`".to_owned(),
            TokenKind::Comma => "`,`".to_owned(),
            TokenKind::Slash => "`/`".to_owned(),
            TokenKind::Star => "`*`".to_owned(),
            TokenKind::Equals => "`=`".to_owned(),
            TokenKind::Minus => "`-`".to_owned(),
        };
        SyntaxError::new(self.at(), format!("expected {expected}, found {found}"))
    }

    fn count_node(&mut self) -> Result<(), SyntaxError> {
        self.nodes += 1;
        self.check_nodes()
    }

    fn check_nodes(&self) -> Result<(), SyntaxError> {
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        let most = self.limits.nodes;
        Err(SyntaxError::new(self.at(), format!("more than {most} names, literals and operators")))
    }

    /// The height of a node above nodes of the height `below`.
    fn above(&self, below: usize) -> Result<usize, SyntaxError> {
        self.check_depth(below + 1).map(|()| below + 1)
    }

    fn check_depth(&self, depth: usize) -> Result<(), SyntaxError> {
        if depth <= self.limits.depth {
            return Ok(());
        }
        let most = self.limits.depth;
        Err(SyntaxError::new(self.at(), format!("nested deeper than {most} levels")))
    }

    pub(super) fn expression(&mut self) -> Result<Node, SyntaxError> {
        self.or().map(|(node, _)| node)
    }

    /// Reads `part` inside of a parenthesis, a call or after a sign.
    fn nested<T>(
        &mut self,
        part: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.open += 1;
        self.check_depth(self.open)?;
        let found = part(self)?;
        self.open -= 1;
        Ok(found)
    }

    fn or(&mut self) -> Result<Tall, SyntaxError> {
        self.chain("or", Self::and, Node::Or)
    }

    fn and(&mut self) -> Result<Tall, SyntaxError> {
        self.chain("and", Self::equality, Node::And)
    }

    /// Parts with the word `between` between them; a single part is not wrapped.
    fn chain(
        &mut self,
        between: &str,
        part: fn(&mut Self) -> Result<Tall, SyntaxError>,
        join: fn(Vec<Node>) -> Node,
    ) -> Result<Tall, SyntaxError> {
        let (first, mut height) = part(self)?;
        let mut parts = vec![first];
        while self.take_word(between) {
            self.count_node()?;
            let (next, next_height) = part(self)?;
            parts.push(next);
            height = height.max(next_height);
        }
        match parts.len() {
            1 => Ok((parts.swap_remove(0), height)),
            _ => Ok((join(parts), self.above(height)?)),
        }
    }

    fn equality(&mut self) -> Result<Tall, SyntaxError> {
        self.compared(&[("eq", Comparison::Eq), ("ne", Comparison::Ne)], Self::relation)
    }

    fn relation(&mut self) -> Result<Tall, SyntaxError> {
        use Comparison::{Ge, Gt, Le, Lt};
        self.compared(&[("gt", Gt), ("ge", Ge), ("lt", Lt), ("le", Le)], Self::sum)
    }

    fn compared(
        &mut self,
        operators: &[(&str, Comparison)],
        part: fn(&mut Self) -> Result<Tall, SyntaxError>,
    ) -> Result<Tall, SyntaxError> {
        let mut left = part(self)?;
        while let Some((_, comparison)) = operators.iter().find(|(word, _)| self.take_word(word)) {
            let right = part(self)?;
            let join = |a, b| Node::Compare(*comparison, a, b);
            left = self.pair(left, right, join)?;
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Tall, SyntaxError> {
        self.computed(&[("add", Arithmetic::Add), ("sub", Arithmetic::Sub)], Self::product)
    }

    fn product(&mut self) -> Result<Tall, SyntaxError> {
        use Arithmetic::{Div, Mod, Mul};
        self.computed(&[("mul", Mul), ("div", Div), ("mod", Mod)], Self::unary)
    }

    fn computed(
        &mut self,
        operators: &[(&str, Arithmetic)],
        part: fn(&mut Self) -> Result<Tall, SyntaxError>,
    ) -> Result<Tall, SyntaxError> {
        let mut left = part(self)?;
        while let Some((_, operation)) = operators.iter().find(|(word, _)| self.take_word(word)) {
            let right = part(self)?;
            let join = |a, b| Node::Compute(*operation, a, b);
            left = self.pair(left, right, join)?;
        }
        Ok(left)
    }

    fn pair(
        &mut self,
        left: Tall,
        right: Tall,
        join: impl FnOnce(Box<Node>, Box<Node>) -> Node,
    ) -> Result<Tall, SyntaxError> {
        self.count_node()?;
        let height = self.above(left.1.max(right.1))?;
        Ok((join(Box::new(left.0), Box::new(right.0)), height))
    }

    fn unary(&mut self) -> Result<Tall, SyntaxError> {
        let join = if self.take_word("not") {
            Node::Not
        } else if self.take(&TokenKind::Minus) {
            Node::Negate
        } else {
            return self.listed();
        };
        self.count_node()?;
        let (node, height) = self.nested(Self::unary)?;
        Ok((join(Box::new(node)), self.above(height)?))
    }

    /// A value, with `in` and a list of literals behind it or not.
    fn listed(&mut self) -> Result<Tall, SyntaxError> {
        let (value, height) = self.primary()?;
        if !self.take_word("in") {
            return Ok((value, height));
        }
        self.expect(&TokenKind::Open, "`(` with a list of literals")?;
        let mut literals = vec![self.literal()?];
        while self.take(&TokenKind::Comma) {
            literals.push(self.literal()?);
        }
        self.expect(&TokenKind::Close, "`)`")?;
        Ok((Node::In(Box::new(value), literals), self.above(height)?))
    }

    fn primary(&mut self) -> Result<Tall, SyntaxError> {
        if self.take(&TokenKind::Open) {
            let inner = self.nested(Self::or)?;
            self.expect(&TokenKind::Close, "`)`")?;
            return Ok(inner);
        }
        if let TokenKind::Literal(_) = self.peek() {
            return Ok((Node::Literal(self.literal()?), 1));
        }
        let name = self.name("a property, a literal or a function")?;
        self.count_node()?;
        if !self.take(&TokenKind::Open) {
            return Ok((Node::Property(name), 1));
        }
        let (arguments, height) = self.nested(Self::arguments)?;
        Ok((Node::Call(name, arguments), self.above(height)?))
    }

    /// The arguments of a call up to its closing parenthesis.
    fn arguments(&mut self) -> Result<(Vec<Node>, usize), SyntaxError> {
        let (mut arguments, mut tallest) = (Vec::new(), 0);
        if self.take(&TokenKind::Close) {
            return Ok((arguments, tallest));
        }
        loop {
            let (argument, height) = self.or()?;
            arguments.push(argument);
            tallest = tallest.max(height);
            if !self.take(&TokenKind::Comma) {
                break;
            }
        }
        self.expect(&TokenKind::Close, "`)`")?;
        Ok((arguments, tallest))
    }
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;
