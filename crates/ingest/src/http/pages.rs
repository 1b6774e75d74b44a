//! Which request follows a page. Pure: requests are URLs, answers are what was found in them.

use plant::http_source::{HttpSource, PageSize, Pages};
use reqwest::Url;
use std::collections::HashSet;

/// What an answer states about the next page.
#[derive(Debug, Default)]
pub(super) struct PageFacts {
    pub records: u64,
    /// SHA-256 of the answer.
    pub sha256: String,
    /// The value at [`Pages::path`] of the answer.
    pub next: Option<String>,
    /// The URL of `rel="next"` in the header `Link`.
    pub link: Option<String>,
}

/// The requests of one pull.
#[derive(Debug)]
pub(super) struct Pager<'a> {
    pages: &'a Pages,
    first: Url,
    /// Number of the page, from 0, and of the records before it.
    page: u64,
    records: u64,
    /// Requests and answers of this pull; one that occurs again would repeat for ever.
    requested: HashSet<String>,
    answered: HashSet<String>,
}

impl<'a> Pager<'a> {
    /// The requests of a pull. `restricted` is the parameter that restricts them to new records.
    pub fn new(source: &'a HttpSource, mut url: Url, restricted: Option<(&str, &str)>) -> Self {
        let fixed = source.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in fixed.chain(restricted) {
            set_parameter(&mut url, name, value);
        }
        if let Some(PageSize { parameter, records }) = source.pages.size() {
            set_parameter(&mut url, parameter, &records.to_string());
        }
        match &source.pages {
            Pages::Number { parameter, first, .. } => {
                set_parameter(&mut url, parameter, &first.to_string());
            }
            Pages::Offset { parameter, .. } => set_parameter(&mut url, parameter, "0"),
            _ => {}
        }
        let (requested, answered) = ([url.to_string()].into(), HashSet::new());
        Self { pages: &source.pages, first: url, page: 0, records: 0, requested, answered }
    }

    /// The request of the first page.
    pub fn first(&self) -> Url {
        self.first.clone()
    }

    /// Number of the current page, from 1.
    pub fn number(&self) -> u64 {
        self.page + 1
    }

    /// The request of the page after the one that was answered; `None` if that was the last one.
    ///
    /// # Errors
    /// The pages repeat, or the next one is not at the address of the source.
    pub fn next(&mut self, answer: &PageFacts) -> Result<Option<Url>, String> {
        if answer.records > 0 && !self.answered.insert(answer.sha256.clone()) {
            return Err(format!(
                "page {} has the same content as an earlier page, so the pages would repeat for ever; {}",
                self.number(),
                self.advice(),
            ));
        }
        self.records += answer.records;
        let Some(url) = self.following(answer)? else { return Ok(None) };
        if !self.requested.insert(url.to_string()) {
            return Err(format!(
                "the page after page {} was requested before, so the pages would repeat for ever; {}",
                self.number(),
                self.advice(),
            ));
        }
        self.page += 1;
        Ok(Some(url))
    }

    fn following(&self, answer: &PageFacts) -> Result<Option<Url>, String> {
        let with = |name: &str, value: &str| {
            let mut url = self.first.clone();
            set_parameter(&mut url, name, value);
            url
        };
        let has_records = answer.records > 0;
        let next = answer.next.as_deref().filter(|next| !next.is_empty());
        let link = match self.pages {
            Pages::One => return Ok(None),
            Pages::Number { parameter, first, .. } => {
                let number = (first + self.page + 1).to_string();
                return Ok(has_records.then(|| with(parameter, &number)));
            }
            Pages::Offset { parameter, .. } => {
                return Ok(has_records.then(|| with(parameter, &self.records.to_string())));
            }
            Pages::Cursor { parameter, .. } => return Ok(next.map(|it| with(parameter, it))),
            Pages::LinkHeader { .. } => answer.link.as_deref(),
            Pages::NextLink { .. } => next,
        };
        link.map(|link| self.followed(link)).transpose()
    }

    /// The URL of a link, which must lead to the same server: the request has the credentials of the source.
    fn followed(&self, link: &str) -> Result<Url, String> {
        let url = self.first.join(link);
        let url = url.map_err(|error| format!("the link to the next page is invalid: {error}"))?;
        if url.origin() != self.first.origin() {
            return Err(format!(
                "the next page is at {}, not at {}, and is not requested, because it would receive the \
                 credentials; configure the URL that the links have",
                url.origin().ascii_serialization(),
                self.first.origin().ascii_serialization(),
            ));
        }
        Ok(url)
    }

    fn advice(&self) -> &'static str {
        match self.pages {
            Pages::Number { .. } | Pages::Offset { .. } => {
                "check `page_parameter`: the source seems to ignore it"
            }
            Pages::Cursor { .. } => "check `page_parameter` and `next`",
            _ => "the source has to be corrected",
        }
    }
}

/// Sets a parameter of a URL, in place of its former value.
pub(super) fn set_parameter(url: &mut Url, name: &str, value: &str) {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
}

/// The URL of the link `rel="next"` among headers `Link` (RFC 8288).
pub(super) fn next_link<'h>(headers: impl Iterator<Item = &'h str>) -> Option<String> {
    headers.flat_map(links).find(|(_, is_next)| *is_next).map(|(url, _)| url)
}

/// The URLs of a header, and whether each is the next page.
fn links(header: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((url, after)) = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        let end = end_of_link(after);
        found.push((url.trim().to_owned(), after[..end].split(';').any(is_next)));
        rest = &after[end..];
    }
    found
}

/// Where the parameters of a link end: at a comma that is not quoted.
fn end_of_link(text: &str) -> usize {
    let mut is_quoted = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether a parameter of a link is `rel` with the value `next` among its words.
fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut words = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && words.any(|it| it.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests;
