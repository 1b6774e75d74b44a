//! The kinds of errors: the code, status, title and remedy of each.
//!
//! Codes are stable: programs branch on them. `docs/reference/errors.md` is generated from this list.

/// A kind of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// For programs: stays the same from release to release.
    pub code: &'static str,
    /// The status of the response.
    pub status: u16,
    /// The kind in a few words, the same in each response.
    pub title: &'static str,
    /// What the client or its user can do.
    pub remedy: &'static str,
}

const fn kind(code: &'static str, status: u16, title: &'static str, remedy: &'static str) -> Kind {
    Kind { code, status, title, remedy }
}

/// All kinds, by status and code.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    kind("ambiguous_columns", 400, "Two columns have the same name", "Give each column of the statement a name with AS."),
    kind("bad_apply", 400, "Invalid $apply", "Use filter, groupby and aggregate as docs/reference/odata.md describes them."),
    kind("bad_body", 400, "Invalid body", "Send the fields that the description of the request names, with values of their types."),
    kind("bad_filter", 400, "Invalid filter", "Correct the condition at the place that the detail names."),
    kind("bad_key", 400, "Invalid key of an entity", "Name every column of the key, with values of their types."),
    kind("bad_parameter", 400, "Invalid combination of parameters", "Send each parameter once, and those that are required."),
    kind("bad_path", 400, "Invalid path", "Encode the parts of the path as UTF-8 with percent signs."),
    kind("bad_query", 400, "The statement cannot be planned", "Correct tables, columns, functions and types of the statement."),
    kind("bad_signature", 400, "Invalid address of a file", "Query the table again for the addresses of its files."),
    kind("bad_skiptoken", 400, "Invalid $skiptoken", "Follow @odata.nextLink as it is, or request the feed from its beginning."),
    kind("bad_sql", 400, "The statement cannot be parsed", "Correct the statement at the line and column of this error."),
    kind("bad_value", 400, "Invalid value of a parameter", "Send a value of the form that the detail names."),
    kind("invalid_host", 400, "Invalid header Host", "Send the host name or address of the service."),
    kind("limit_too_big", 400, "Too many rows requested", "Request a smaller limit and further pages, or a file (CSV, Parquet)."),
    kind("no_change_data_feed", 400, "The table has no change data feed", "Query the table at its newest version, or at an older one."),
    kind("offset_too_big", 400, "Too many rows before the page", "Filter the rows, or download a file (CSV, Parquet)."),
    kind("query_failed", 400, "The statement failed on values of the rows", "Use try_cast, nullif or a filter for the values that the detail names."),
    kind("read_only", 400, "Only reading statements are allowed", "Send one SELECT, WITH, EXPLAIN, SHOW or DESCRIBE over tables of the lake."),
    kind("several_statements", 400, "More than one statement", "Send one statement per request."),
    kind("too_big", 400, "A function would make too long a value", "Use a smaller count in the function that the detail names."),
    kind("too_deep", 400, "The statement has too many levels", "Use IN with a list instead of a chain of operators, or send several statements."),
    kind("too_many_rows", 400, "More rows than the format allows", "Filter the rows, or request pages."),
    kind("too_many_values", 400, "Too many values in filters", "Use ranges, or send several requests."),
    kind("two_hosts", 400, "More than one header Host", "Send one header Host."),
    kind("unknown_column", 400, "Unknown column", "Use a column that GET /api/v1/tables lists."),
    kind("unknown_format", 400, "Unknown format", "Use json, csv, arrow, parquet or xlsx."),
    kind("unknown_parameter", 400, "Unknown parameter", "Send only parameters that the detail names."),
    kind("unknown_property", 400, "Unknown property", "Use a property that /odata/v4/$metadata lists."),
    kind("unknown_topic", 400, "Unknown topic of the live stream", "Use temps, temps:PLANT or alarms."),
    kind("unwritable", 400, "The format does not support a value", "Request another format, or cast the column in the statement."),
    kind("login_refused", 401, "Login refused", "Check name, password and code; an administrator can reset them."),
    kind("setup_refused", 401, "Setup refused", "Use the setup code of the log of the program."),
    kind("unauthenticated", 401, "Not logged in", "Log in, or send an API token as Authorization: Bearer TOKEN."),
    kind("cross_site", 403, "A request of another site", "Send the request from a page of this service, or with an API token."),
    kind("forbidden", 403, "No permission", "Request the role that the detail names from an administrator."),
    kind("not_through_proxy", 403, "Not sent through the reverse proxy", "Use the address of the reverse proxy."),
    kind("scope_too_small", 403, "The permission is limited to areas or lines", "Use /odata/v4 or /api/v1/tables, which return the rows of these, or request a role in the whole plant."),
    kind("no_boards", 404, "The service has no boards", "Add boards to the plant folder, and start the program again."),
    kind("not_found", 404, "Unknown object", "Check the name or id; lists of objects contain those that exist."),
    kind("unknown_board", 404, "Unknown board", "Use a name that GET /api/v1/boards lists."),
    kind("unknown_entity", 404, "Unknown entity", "Check the values of the key."),
    kind("unknown_report", 404, "Unknown report", "Use a name that GET /api/v1/reports lists."),
    kind("unknown_share", 404, "Unknown share or schema", "Use a share that GET /sharing/shares lists."),
    kind("unknown_table", 404, "Unknown table", "Use a table that GET /api/v1/tables lists."),
    kind("unknown_version", 404, "The version of the table is not stored", "Query the newest version; older ones are deleted a day after they were replaced."),
    kind("wrong_method", 405, "Wrong method", "Use a method that the header Allow or /api/v1/docs names."),
    kind("not_acceptable", 406, "No format that the client accepts", "Send Accept with a type that the detail names, or the parameter format."),
    kind("changed_meanwhile", 409, "Changed meanwhile", "Read the current state, and repeat the change on it."),
    kind("conflict", 409, "The stored state does not allow this", "Read the current state; the detail names the conflict."),
    kind("no_accounts", 409, "The service has no users", "Start it with access_mode = \"login\"."),
    kind("no_alarms", 409, "The service has no alarms", "Add alarms.toml to the plant folder, and start the program again."),
    kind("no_reports", 409, "The service has no reports", "Add reports to the plant folder, and start the program again."),
    kind("not_editable", 409, "The file of the rules cannot be changed", "Start the program with a plant folder (--plant) that it can write."),
    kind("refused", 409, "The state of the alarm does not allow this", "Read the alarm; the detail names the state."),
    kind("file_removed", 410, "The file is no longer stored", "Query the table again for its current files."),
    kind("url_expired", 410, "The address of the file has expired", "Query the table again for new addresses."),
    kind("version_expired", 410, "The version of the table is no longer stored", "Request the feed from its beginning."),
    kind("body_too_long", 413, "The body is too long", "Send a shorter body, or raise query_body_bytes."),
    kind("not_json", 415, "The body is not JSON", "Send JSON with Content-Type: application/json."),
    kind("bad_range", 416, "Invalid range of bytes", "Send a Range within the file."),
    kind("unknown_host", 421, "Unknown host name", "Use a name in [serve] hosts of plant.toml, or add the name there."),
    kind("faulty_board", 422, "The file of the board has a mistake", "Correct the mistake that the detail names."),
    kind("invalid_board", 422, "The board has mistakes", "Correct the line that the detail names; POST /api/v1/boards/{name}/check lists all mistakes."),
    kind("invalid_value", 422, "Invalid value", "Send a value of the form that the detail names."),
    kind("out_of_memory", 422, "Not enough memory for the query", "Request fewer rows, columns or groups, or raise query_memory_bytes."),
    kind("report_chart", 422, "A chart of the report cannot be drawn", "Correct the chart in the definition of the report."),
    kind("report_limit", 422, "The report exceeds a limit", "Choose a shorter period, or raise the limit that the detail names."),
    kind("report_query", 422, "A statement of the report failed", "Correct the statement in the definition of the report."),
    kind("report_template", 422, "The template of the report failed", "Correct the template; cockpit check reports its mistakes."),
    kind("report_version", 422, "A version of a table is no longer stored", "Run the report without a time, or for a later one."),
    kind("too_many_bytes", 422, "The rows of a tile have too many bytes", "Select fewer columns or rows."),
    kind("weak_password", 422, "The password is too easy to guess", "Choose a longer password of several words."),
    kind("wrong_code", 422, "The code is wrong", "Enter the current code of the app, and check the clock of its device."),
    kind("busy", 429, "All slots are in use", "Repeat the request after the seconds of Retry-After."),
    kind("throttled", 429, "Too many failed logins", "Wait for the seconds of Retry-After before the next login."),
    kind("too_many_requests", 429, "Too many requests from this address", "Wait for the seconds of Retry-After, and send fewer requests per second."),
    kind("internal", 500, "Internal error", "Report the entry request_failed of the log of the program."),
    kind("unsupported_option", 501, "The option of OData is not supported", "Use $select, $filter, $orderby, $top, $skip, $count and $apply."),
    kind("access_unavailable", 503, "The user database is unavailable", "Repair or restore the user database; the log of the program contains the cause."),
    kind("alarms_unavailable", 503, "Alarms are not evaluated", "Repeat the request later; GET /api/v1/health has the reason."),
    kind("stopping", 503, "The program is stopping", "Repeat the request after the program has started again."),
    kind("timeout", 504, "The response took too long", "Request fewer rows or a shorter period."),
];

/// The kind of a code.
pub fn find(code: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.code == code)
}

/// All kinds as a page of the reference.
#[cfg(test)]
fn page() -> String {
    use std::fmt::Write as _;
    let mut text = include_str!("kinds.md").to_owned();
    for kind in KINDS {
        let Kind { code, status, title, remedy } = kind;
        writeln!(text, "| `{code}` | {status} | {title} | {remedy} |").unwrap();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                sources(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }

    /// The codes of errors in a source text: the first argument of `Error::bad`, the second one of
    /// `Error::new`, and those paired with a status.
    fn codes(source: &str) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        for marker in ["Error::bad(", "Self::bad(", "StatusCode::"] {
            for (at, _) in source.match_indices(marker) {
                let rest = &source[at + marker.len()..];
                let Some((between, text)) = rest.split_once('"') else { continue };
                let is_between =
                    between.chars().all(|c| c.is_ascii_uppercase() || " _,\n".contains(c));
                let code = text.split('"').next().unwrap_or_default();
                if is_between && code.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    codes.insert(code.to_owned());
                }
            }
        }
        codes
    }

    #[test]
    fn every_code_of_the_sources_has_a_kind() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut files);
        let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
        let codes: BTreeSet<String> = texts.flat_map(|text| codes(&text)).collect();
        assert!(codes.len() > 50, "{codes:?}");
        let unknown: Vec<_> = codes.iter().filter(|code| find(code).is_none()).collect();
        assert_eq!(unknown, Vec::<&String>::new());
    }

    #[test]
    fn kinds_are_sorted_and_unique() {
        let keys: Vec<_> = KINDS.iter().map(|kind| (kind.status, kind.code)).collect();
        assert!(keys.is_sorted(), "sorted by status and code");
        let codes: BTreeSet<_> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }

    #[test]
    fn the_reference_lists_every_kind() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/errors.md");
        #[expect(clippy::disallowed_methods, reason = "UPDATE=1 rewrites goldens")]
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, page()).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page(), "{} differs; UPDATE=1 rewrites it", path.display());
    }
}
