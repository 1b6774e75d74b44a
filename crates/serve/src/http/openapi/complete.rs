//! What the description has beside what the handlers declare: credentials, permissions, errors and examples.

use crate::http::authorization::routes::{Requirement, requirement};
use crate::http::error;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Examples that are part of the description.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Details of errors by code.
    errors: Map<String, Value>,
    /// By the id of the operation.
    operations: BTreeMap<String, OperationExamples>,
}

/// The examples of an operation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationExamples {
    /// Values of parameters by name.
    #[serde(default)]
    parameters: Map<String, Value>,
    /// Values that parameters may have, by name.
    #[serde(default)]
    allowed: Map<String, Value>,
    /// The body of a request.
    body: Option<Value>,
    /// The body of the response that is a success.
    response: Option<Value>,
}

impl Examples {
    /// The examples that are embedded in the program.
    pub fn embedded() -> anyhow::Result<Self> {
        Ok(serde_json::from_str(include_str!("examples.json"))?)
    }
}

/// Completes a description that is made from the handlers.
pub fn complete(document: &mut Value, examples: &Examples) -> anyhow::Result<()> {
    document["servers"] = json!([{ "url": "/", "description": "This service" }]);
    document["components"]["responses"] = error::described(&examples.errors);
    document["components"]["securitySchemes"] = security_schemes();
    document["security"] = json!([{ "token": [] }, { "session": [] }]);
    document["x-errors"] = error::all_kinds();
    let none = OperationExamples::default();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            name_permission(operation, path, method)?;
            let id = operation["operationId"].as_str().unwrap_or_default();
            add_examples(operation, examples.operations.get(id).unwrap_or(&none));
        }
    }
    Ok(())
}

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, created under Settings or by createToken",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-cockpit",
            "description": "The cookie of a login (logIn), over HTTP cockpit-session; changes need a request of the same origin",
        },
    })
}

/// Adds which permission an operation needs, from the table of routes.
fn name_permission(operation: &mut Value, path: &str, method: &str) -> anyhow::Result<()> {
    let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
    let needed = requirement(path, &method).map_err(|error| anyhow::Error::msg(error.public))?;
    let text = match needed {
        Requirement::Public => {
            operation["security"] = json!([]);
            "Needs no login.".to_owned()
        }
        Requirement::Authenticated => "Needs a login or a token.".to_owned(),
        Requirement::Permission(action) => {
            operation["x-permission"] = action.name().into();
            format!("Needs the permission `{}`.", action.name())
        }
    };
    let before = operation["description"].as_str().map(|it| format!("{}\n\n", it.trim_end()));
    operation["description"] = (before.unwrap_or_default() + &text).into();
    Ok(())
}

fn add_examples(operation: &mut Value, examples: &OperationExamples) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = examples.parameters.get(name).cloned();
        let allowed = examples.allowed.get(name).cloned();
        if let Some(schema) = parameter.get_mut("schema") {
            correct_schema(schema);
        }
        if let Some(allowed) = allowed {
            parameter["schema"]["enum"] = allowed;
        }
        describe_free_names(parameter);
        if let Some(example) = example {
            parameter["example"] = example;
        }
    }
    let set = |content: Option<&mut Value>, example: &Option<Value>| {
        if let (Some(content), Some(example)) = (content, example) {
            content["example"] = example.clone();
        }
    };
    set(operation.pointer_mut("/requestBody/content/application~1json"), &examples.body);
    for status in ["200", "201"] {
        for media_type in ["application~1json", "text~1event-stream", "text~1plain"] {
            let content = format!("/responses/{status}/content/{media_type}");
            set(operation.pointer_mut(&content), &examples.response);
        }
    }
}

/// A parameter that is left out is not null, and an unsigned number has 32 bits, not the 31 of `int32`.
fn correct_schema(schema: &mut Value) {
    let mut types = schema["type"].as_array().into_iter().flatten();
    let present = types.find(|it| **it != "null").cloned();
    if let Some(present) = present {
        schema["type"] = present;
    }
    if schema["format"] == "int32" && schema["minimum"] == 0 {
        schema["maximum"] = u32::MAX.into();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("format");
        }
    }
}

/// A parameter such as `filter.{column}` means any number of parameters. OpenAPI describes them as the
/// properties of an object, each of which is a parameter of its own.
fn describe_free_names(parameter: &mut Value) {
    let Some(name) = parameter["name"].as_str().filter(|it| it.contains('{')).map(str::to_owned)
    else {
        return;
    };
    let prefix = name.split('{').next().unwrap_or_default();
    let pattern = format!("^{}[^&=]+$", prefix.replace('.', "\\."));
    parameter["name"] = match prefix.trim_end_matches('.') {
        "" => "parameters".into(),
        prefix => prefix.into(),
    };
    parameter["x-name"] = name.into();
    parameter["style"] = "form".into();
    parameter["explode"] = true.into();
    parameter["schema"] = json!({
        "type": "object",
        "propertyNames": { "pattern": pattern },
        "additionalProperties": { "type": "string" },
    });
}

#[cfg(test)]
mod tests {
    use crate::http::openapi::document;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// The operations of the description, by method and path.
    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let paths = document["paths"].as_object().unwrap().iter();
        let methods =
            paths.flat_map(|(path, it)| it.as_object().unwrap().iter().map(move |it| (path, it)));
        methods.map(|(path, (method, it))| (format!("{method} {path}"), it)).collect()
    }

    #[test]
    fn every_operation_has_examples() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let mut missing = Vec::new();
        for (name, operation) in operations(&document) {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let required = parameters.filter(|it| it["required"] == true);
            let without = required.filter(|it| it.get("example").is_none());
            missing.extend(without.map(|it| format!("{name}: {}", it["name"])));
            let json = "/content/application~1json";
            let body = operation.pointer(&format!("/requestBody{json}"));
            let ok = operation.pointer(&format!("/responses/200{json}"));
            let created = operation.pointer(&format!("/responses/201{json}"));
            let contents = [("body", body), ("200", ok), ("201", created)];
            let without = contents.into_iter().filter(|(_, content)| {
                content.is_some_and(|content| content.get("example").is_none())
            });
            missing.extend(without.map(|(what, _)| format!("{name}: {what}")));
        }
        assert!(missing.is_empty(), "without an example: {missing:#?}");
    }

    #[test]
    fn examples_are_of_operations_that_exist() {
        let examples = super::Examples::embedded().unwrap();
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let ids: BTreeSet<&str> = operations(&document)
            .iter()
            .map(|(_, it)| it["operationId"].as_str().unwrap())
            .collect();
        let unknown: Vec<_> =
            examples.operations.keys().filter(|id| !ids.contains(id.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let codes = examples.errors.keys();
        let unknown: Vec<_> =
            codes.filter(|code| crate::http::error::kinds::find(code).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
