//! The lines of an answer about a table, in both formats of the protocol.

use lake::shared::{ChangedFile, FileChange};
use serde_json::{Map, Value, json};

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseFormat {
    Parquet,
    /// The actions of the Delta log.
    Delta,
}

impl ResponseFormat {
    /// The format for `delta-sharing-capabilities`, such as `responseformat=delta,parquet;readerfeatures=…`.
    /// The tables need no feature of readers, so Parquet is preferred where both are accepted.
    pub fn choose(capabilities: &str) -> Self {
        let lower = capabilities.to_ascii_lowercase();
        let mut formats =
            lower.split(';').filter_map(|it| it.trim().strip_prefix("responseformat="));
        let Some(formats) = formats.next() else { return Self::Parquet };
        let accepts = |name: &str| formats.split(',').any(|it| it.trim() == name);
        if accepts("delta") && !accepts("parquet") { Self::Delta } else { Self::Parquet }
    }

    /// Value of the header `delta-sharing-capabilities` of the answer.
    pub fn capabilities(self) -> &'static str {
        match self {
            Self::Parquet => "responseformat=parquet",
            Self::Delta => "responseformat=delta",
        }
    }
}

/// Lines of JSON.
pub struct Lines {
    format: ResponseFormat,
    text: String,
}

impl Lines {
    pub fn new(format: ResponseFormat) -> Self {
        Self { format, text: String::new() }
    }

    fn push(&mut self, line: &Value) {
        self.text.push_str(&line.to_string());
        self.text.push('\n');
    }

    /// The protocol and the metadata of a table, which has `files` files of `size_bytes` in total.
    pub fn head(
        &mut self,
        protocol: &Value,
        metadata: &Value,
        (version, files, size_bytes): (u64, usize, u64),
    ) {
        let mut metadata = clean_metadata(metadata);
        if self.format == ResponseFormat::Parquet {
            self.push(&json!({ "protocol": { "minReaderVersion": 1 } }));
            metadata.insert("version".into(), version.into());
            metadata.insert("size".into(), size_bytes.into());
            metadata.insert("numFiles".into(), files.into());
            self.push(&json!({ "metaData": metadata }));
            return;
        }
        self.push(&json!({ "protocol": { "deltaProtocol": protocol } }));
        let metadata = json!({
            "version": version, "size": size_bytes, "numFiles": files, "deltaMetadata": metadata
        });
        self.push(&json!({ "metaData": metadata }));
    }

    /// A file that can be read from `url` until `expires_ms`.
    pub fn file(
        &mut self,
        add: &Value,
        (version, at_ms): (u64, Option<i64>),
        url: &str,
        expires_ms: i64,
    ) {
        self.entry(("file", "add"), add, (version, at_ms), (url, expires_ms));
    }

    /// A file with changed rows.
    pub fn change(
        &mut self,
        changed: &ChangedFile,
        at_ms: Option<i64>,
        url: &str,
        expires_ms: i64,
    ) {
        let names = match changed.change {
            FileChange::Add => ("add", "add"),
            FileChange::Remove => ("remove", "remove"),
            FileChange::Cdc => ("cdf", "cdc"),
        };
        self.entry(names, &changed.file.add, (changed.version, at_ms), (url, expires_ms));
    }

    /// A line about a file: with Parquet under the first name, with Delta as the action of the second one.
    fn entry(
        &mut self,
        (name, action_name): (&str, &str),
        action: &Value,
        (version, at_ms): (u64, Option<i64>),
        (url, expires_ms): (&str, i64),
    ) {
        let mut file = Map::new();
        file.insert("id".into(), action["path"].as_str().unwrap_or_default().into());
        file.insert("version".into(), version.into());
        file.insert("expirationTimestamp".into(), expires_ms.into());
        if let Some(at_ms) = at_ms {
            file.insert("timestamp".into(), at_ms.into());
        }
        if self.format == ResponseFormat::Delta {
            let mut action = action.clone();
            action["path"] = url.into();
            file.insert("deltaSingleAction".into(), json!({ action_name: action }));
            self.push(&json!({ "file": file }));
            return;
        }
        file.insert("url".into(), url.into());
        file.insert("partitionValues".into(), json!({}));
        for field in ["partitionValues", "size", "stats"] {
            let value = action[field].clone();
            if !value.is_null() {
                file.insert(field.into(), value);
            }
        }
        self.push(&json!({ name: file }));
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

/// The metadata of the log with only the properties that concern readers.
fn clean_metadata(metadata: &Value) -> Map<String, Value> {
    let mut metadata = metadata.as_object().cloned().unwrap_or_default();
    let configuration = metadata.get("configuration").and_then(Value::as_object);
    let ours = configuration.into_iter().flatten().filter(|(name, _)| name.starts_with("delta."));
    let ours: Map<String, Value> =
        ours.map(|(name, value)| (name.clone(), value.clone())).collect();
    metadata.insert("configuration".into(), ours.into());
    // Clients require the options, also without any.
    metadata.insert("format".into(), json!({ "provider": "parquet", "options": {} }));
    metadata.retain(|_, value| !value.is_null());
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_negotiated() {
        use ResponseFormat::{Delta, Parquet};
        for (capabilities, expected) in [
            ("", Parquet),
            ("responseformat=delta;readerfeatures=deletionvectors", Delta),
            ("responseformat=delta,parquet;readerfeatures=columnmapping", Parquet),
            ("readerfeatures=x; responseFormat=Delta", Delta),
            ("responseformat=avro", Parquet),
        ] {
            assert_eq!(ResponseFormat::choose(capabilities), expected, "{capabilities}");
        }
    }

    fn lines(format: ResponseFormat) -> Vec<Value> {
        let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
        let metadata = json!({
            "id": "x", "name": "daily", "description": null, "schemaString": "{}",
            "partitionColumns": [], "createdTime": 5,
            "configuration": { "cockpit.definition": "f", "delta.checkpointInterval": "20" }
        });
        let add = json!({ "path": "a.parquet", "partitionValues": {}, "size": 9, "stats": "{}",
                          "dataChange": true, "modificationTime": 1 });
        let mut lines = Lines::new(format);
        lines.head(&protocol, &metadata, (3, 1, 9));
        lines.file(&add, (3, Some(7)), "http://h/a?x=1", 11);
        let text = lines.into_text();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn both_formats_have_the_same_table() {
        let parquet = lines(ResponseFormat::Parquet);
        assert_eq!(parquet[0], json!({ "protocol": { "minReaderVersion": 1 } }));
        let metadata = &parquet[1]["metaData"];
        assert_eq!(metadata["format"], json!({ "provider": "parquet", "options": {} }));
        assert_eq!(metadata["configuration"], json!({ "delta.checkpointInterval": "20" }));
        assert!(metadata.get("description").is_none());
        let file = json!({
            "id": "a.parquet", "version": 3, "timestamp": 7, "expirationTimestamp": 11,
            "url": "http://h/a?x=1", "partitionValues": {}, "size": 9, "stats": "{}"
        });
        assert_eq!(parquet[2], json!({ "file": file }));
        let delta = lines(ResponseFormat::Delta);
        assert_eq!(delta[0]["protocol"]["deltaProtocol"]["minWriterVersion"], 2);
        assert_eq!(delta[1]["metaData"]["deltaMetadata"]["id"], "x");
        assert_eq!(delta[2]["file"]["deltaSingleAction"]["add"]["path"], "http://h/a?x=1");
    }
}
