//! Errors as one sentence, without what libraries repeat and without the XML of object stores.

use regex::Regex;
use std::sync::LazyLock;

/// A pattern of this module.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// Prefixes of object stores, each of which repeats the one below.
static WRAPPINGS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?x) Generic\ \S+\ error:\ (?: Error\ (?:performing|getting)\ [a-zA-Z]+\ (?:request|response\ body):\ )?
             | Error\ (?:performing|getting)\ [a-zA-Z]+\ (?:request|response\ body):\ ",
    )
});

/// The head of a failed request: method, address without its query, and how often it was tried.
static REQUEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?x) Error\ performing\ (?<method>[A-Z]+)\ (?<address>[^\s?]+)(?:\?\S*)?\ in\ \S+?
               (?:,\ after\ (?<tries>\d+)\ retries,\ max_retries:\ \d+,\ retry_timeout:\ \S+)?\s+-\ ",
    )
});

/// The body of an error response of an object store.
static REFUSAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?s)(?:<\?xml[^>]*\?>\s*)?<Error[^>]*>(?<body>.*?)(?:</Error>|\z)"));

/// Text before a status.
const STATUS: &str = "Server returned non-2xx status code: ";

/// The error and its causes as one sentence, without causes that the text before them contains.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let part = plain(&cause.to_string());
        let is_new = !parts.iter().any(|before| before.contains(&part));
        if is_new && !part.is_empty() {
            parts.push(part);
        }
    }
    without_repetitions(&parts.join(": "))
}

/// The text without clauses that repeat those directly before them, as errors do that print their causes.
fn without_repetitions(text: &str) -> String {
    let mut clauses: Vec<&str> = text.split(": ").collect();
    let mut at = 0;
    while at < clauses.len() {
        let longest = (clauses.len() - at) / 2;
        let is_repeated =
            |length: &usize| clauses[at..at + length] == clauses[at + length..at + 2 * length];
        match (1..=longest).rev().find(is_repeated) {
            Some(length) => drop(clauses.drain(at + length..at + 2 * length)),
            None => at += 1,
        }
    }
    clauses.join(": ")
}

/// One text of an error without the wrappings, addresses' queries and XML of object stores.
fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(refusal) = REFUSAL.as_ref() {
        text = refusal
            .replace_all(&text, |found: &regex::Captures<'_>| refusal_of(&found["body"]))
            .into_owned();
    }
    if let Some(wrappings) = WRAPPINGS.as_ref() {
        text = wrappings.replace_all(&text, "").into_owned();
    }
    if let Some(request) = REQUEST.as_ref() {
        let head = |found: &regex::Captures<'_>| {
            let tries =
                found.name("tries").map(|tries| format!(", retried {} times", tries.as_str()));
            format!(
                "{} {} failed{}: ",
                &found["method"],
                &found["address"],
                tries.unwrap_or_default()
            )
        };
        text = request.replace_all(&text, head).into_owned();
    }
    // Azure begins its XML with a byte order mark.
    text.replace(STATUS, "").replace('\u{feff}', "").trim().to_owned()
}

/// Code and message of an error response, such as `NoSuchBucket, The specified bucket does not exist`.
fn refusal_of(body: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        // Azure appends the number and the time of the request.
        let (text, _) = text.split_once("RequestId:").unwrap_or((text, ""));
        let words: Vec<&str> = text.split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    let parts: Vec<String> = ["Code", "Message"].into_iter().filter_map(element).collect();
    if parts.is_empty() { "no reason was given".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>\
        <Message>The specified bucket does not exist</Message><BucketName>plant</BucketName>\
        <RequestId>42</RequestId></Error>";

    #[track_caller]
    fn check(chain: &[&str], expected: &str) {
        let mut texts = chain.iter().rev();
        let mut error = anyhow!("{}", texts.next().unwrap());
        for text in texts {
            error = error.context((*text).to_owned());
        }
        assert_eq!(sentence(&error), expected);
    }

    #[test]
    fn a_refusal_of_s3_is_written_once_and_without_xml() {
        let status = format!("Server returned non-2xx status code: 404 Not Found: {XML}");
        let request = format!(
            "Error performing GET http://127.0.0.1:9000/plant?list-type=2&prefix=data%2F in 4.2ms - {status}"
        );
        let listing = format!("Error performing list request: {request}");
        let generic = format!("Generic S3 error: {listing}");
        let context = "the bucket s3://plant cannot be listed at `data`";
        check(
            &[context, &generic, &listing, &request, &status],
            "the bucket s3://plant cannot be listed at `data`: GET http://127.0.0.1:9000/plant failed: \
             404 Not Found: NoSuchBucket, The specified bucket does not exist",
        );
    }

    #[test]
    fn retries_are_counted_and_cut_off_bodies_are_borne() {
        check(
            &["Error performing PUT http://h/b/k in 2.1s, after 10 retries, max_retries: 10, \
               retry_timeout: 180s  - Server returned non-2xx status code: 503 Service Unavailable: \
               <Error><Code>SlowDown</Code>"],
            "PUT http://h/b/k failed, retried 10 times: 503 Service Unavailable: SlowDown",
        );
        check(
            &["Server returned non-2xx status code: 403 Forbidden: <Error></Error>"],
            "403 Forbidden: no reason was given",
        );
    }

    #[test]
    fn a_refusal_of_azure_has_no_number_and_no_query() {
        check(
            &[
                "Generic MicrosoftAzure error: Error performing list request: Error performing GET REDACTED in 3ms - \
               Server returned non-2xx status code: 403 Forbidden: \u{feff}<?xml version=\"1.0\"?><Error>\
               <Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\n\
               RequestId:1\nTime:2</Message><AuthenticationErrorDetail>x</AuthenticationErrorDetail></Error>",
            ],
            "GET REDACTED failed: 403 Forbidden: AuthenticationFailed, Server failed to authenticate the request.",
        );
    }

    #[test]
    fn other_errors_stay_as_they_are_but_for_repetitions() {
        check(&["opening silver.plan", "bad log: x", "x"], "opening silver.plan: bad log: x");
        check(&["a", "b", "c"], "a: b: c");
        check(&["list: x: y: x: y: x: y: y"], "list: x: y");
    }
}
