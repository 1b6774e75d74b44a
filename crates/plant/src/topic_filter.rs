//! Topic filters of MQTT (MQTT 3.1.1, section 4.7), whose wildcards may have names, and shared subscriptions (MQTT 5,
//! section 4.8.2).

/// The first level of a shared subscription; its group and the filter follow.
const SHARED: &str = "$share/";

const ALLOWED: &str = "allowed are levels between /: plain text, + for one level, {name} for one level that a \
    column takes, and # for all further levels, as the last one; $share/GROUP/ may precede the filter";

/// A topic filter: `plant/{area}/+/temperature` or `plant/#`. A level `{name}` matches as `+` does, and columns with
/// `from = "topic"` take its text. With `$share/GROUP/` before it, each message goes to one client of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFilter {
    text: String,
    /// The group of a shared subscription.
    group: Option<String>,
    levels: Vec<Level>,
    /// Whether further levels follow.
    is_open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Text(String),
    /// Any text, with the name under which a column takes it.
    Any(Option<String>),
}

impl TopicFilter {
    /// Parses a filter as written in a contract.
    ///
    /// # Errors
    /// Describes what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |problem: &str| format!("invalid topic filter `{text}`: {problem}; {ALLOWED}");
        if text.is_empty() || text.len() > usize::from(u16::MAX) || text.contains('\0') {
            return Err(wrong("expected 1 to 65535 bytes without a zero"));
        }
        let (group, filter) = shared(text).map_err(wrong)?;
        let open = filter.strip_suffix('#').filter(|it| it.is_empty() || it.ends_with('/'));
        let is_open = open.is_some();
        let closed = open.map(|it| it.strip_suffix('/').unwrap_or(it)).unwrap_or(filter);
        let parts =
            if is_open && open == Some("") { Vec::new() } else { closed.split('/').collect() };
        let levels = parts.into_iter().map(level).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        Ok(Self { text: text.to_owned(), group: group.map(str::to_owned), levels, is_open })
    }

    /// The filter as a subscription has it, without names.
    pub fn subscription(&self) -> String {
        let level = |level: &Level| match level {
            Level::Text(text) => text.clone(),
            Level::Any(_) => "+".to_owned(),
        };
        let rest = self.is_open.then(|| "#".to_owned());
        let filter = self.levels.iter().map(level).chain(rest).collect::<Vec<_>>().join("/");
        match &self.group {
            Some(group) => format!("{SHARED}{group}/{filter}"),
            None => filter,
        }
    }

    /// Whether each message goes to only one of several clients.
    pub fn is_shared(&self) -> bool {
        self.group.is_some()
    }

    /// The filter as written in the contract.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether messages of a topic are delivered by this filter. A wildcard at the start does not match the
    /// topics of the broker, which start with `$`.
    pub fn matches(&self, topic: &str) -> bool {
        let starts_open = matches!(self.levels.first(), None | Some(Level::Any(_)));
        if topic.starts_with('$') && starts_open {
            return false;
        }
        let mut parts = topic.split('/');
        let is_match = self.levels.iter().all(|level| match (level, parts.next()) {
            (_, None) => false,
            (Level::Any(_), Some(_)) => true,
            (Level::Text(text), Some(part)) => text == part,
        });
        // `a/#` matches `a`, too.
        is_match && (self.is_open || parts.next().is_none())
    }

    /// The names of levels.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().filter_map(|level| match level {
            Level::Any(name) => name.as_deref(),
            Level::Text(_) => None,
        })
    }

    /// The text of the level with this name in a topic; `None` if the topic does not match, or no level has it.
    pub fn level<'a>(&self, topic: &'a str, name: &str) -> Option<&'a str> {
        let is_named = |level: &Level| matches!(level, Level::Any(Some(it)) if it == name);
        let at = self.levels.iter().position(is_named)?;
        self.matches(topic).then(|| topic.split('/').nth(at)).flatten()
    }
}

/// The group of a shared subscription, if `text` is one, and the filter.
fn shared(text: &str) -> Result<(Option<&str>, &str), &'static str> {
    let Some(rest) = text.strip_prefix(SHARED) else { return Ok((None, text)) };
    match rest.split_once('/') {
        Some((group, _)) if group.is_empty() || group.contains(['+', '#', '{', '}']) => {
            Err("the group of a shared subscription is plain text")
        }
        Some((group, filter)) if !filter.is_empty() => Ok((Some(group), filter)),
        _ => Err("a shared subscription has a group and a filter"),
    }
}

fn level(text: &str) -> Result<Level, &'static str> {
    if text == "+" {
        return Ok(Level::Any(None));
    }
    if let Some(name) = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let is_name = !name.is_empty() && name.chars().all(is_word);
        return if is_name {
            Ok(Level::Any(Some(name.to_owned())))
        } else {
            Err("invalid name in braces")
        };
    }
    match text.contains(['+', '#', '{', '}']) {
        true => Err("a wildcard is a whole level"),
        false => Ok(Level::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::parse(text).unwrap()
    }

    #[test]
    fn filters_match_as_the_standard_defines() {
        let cases = [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("+/+", "/a", true),
            ("/+", "/a", true),
            ("+", "/a", false),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("#", "a/b", true),
            ("#", "$SYS/uptime", false),
            ("+/uptime", "$SYS/uptime", false),
            ("$SYS/#", "$SYS/uptime", true),
            ("a/{unit}/t", "a/7/t", true),
            ("a/{unit}/t", "a/7/8/t", false),
        ];
        for (text, topic, expected) in cases {
            assert_eq!(filter(text).matches(topic), expected, "{text} {topic}");
        }
    }

    #[test]
    fn names_are_wildcards_in_the_subscription() {
        for (text, expected) in [
            ("a/{unit}/+/t", "a/+/+/t"),
            ("{x}/#", "+/#"),
            ("#", "#"),
            ("/{x}", "/+"),
            ("a/", "a/"),
        ] {
            assert_eq!(filter(text).subscription(), expected);
        }
        let named = filter("plant/{area}/{unit}/#");
        assert_eq!(named.names().collect::<Vec<_>>(), ["area", "unit"]);
        assert_eq!(named.level("plant/smt/LH-01/x/y", "unit"), Some("LH-01"));
        assert_eq!(named.level("plant/smt", "area"), None);
        assert_eq!(named.level("plant/smt/LH-01", "line"), None);
    }

    #[test]
    fn a_shared_subscription_matches_as_its_filter_does() {
        let shared = filter("$share/hall 3/a/{unit}/#");
        let plain = filter("a/{unit}/#");
        assert_eq!(shared.subscription(), "$share/hall 3/a/+/#");
        assert_eq!(shared.as_str(), "$share/hall 3/a/{unit}/#");
        assert!(shared.is_shared() && !plain.is_shared());
        for topic in ["a/7", "a/7/t", "a", "$share/hall 3/a/7", "b/7"] {
            assert_eq!(shared.matches(topic), plain.matches(topic), "{topic}");
            assert_eq!(shared.level(topic, "unit"), plain.level(topic, "unit"), "{topic}");
        }
        assert_eq!(filter("$share/g//a").subscription(), "$share/g//a");
        assert_eq!(filter("$share/g/#").subscription(), "$share/g/#");
        for text in ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/{g}/a"]
        {
            let error = TopicFilter::parse(text).unwrap_err();
            assert!(error.contains("shared subscription"), "{text}: {error}");
        }
    }

    #[test]
    fn invalid_filters_are_refused() {
        for text in ["", "a/#/b", "a#", "a/b+", "{a b}/c", "a/{}", "x{y}", "a\0b", "##"] {
            let error = TopicFilter::parse(text).unwrap_err();
            assert!(error.contains("allowed are levels"), "{text}: {error}");
        }
    }
}
