//! The language as a page of documentation, made from its JSON Schema.
//!
//! One section for each definition, in the order in which they are first used; `docs/scenario.md` is this page, and a
//! test keeps it so. What the words do in the simulation is told in `docs/model.md`.

use super::json_schema;
use serde_json::Value;
use std::fmt::Write;

/// The page, in Markdown.
pub fn reference() -> String {
    let schema = json_schema();
    let mut text = String::from(
        "# The language of scenarios\n\n\
         Made from the program's own definition (`wavetank schema` prints it for editors). A key without a default and\n\
         without *optional* must be given. Times, sizes and rates carry their units; unknown keys are refused.\n",
    );
    let mut order = vec!["Scenario".to_owned()];
    section(&mut text, "Scenario", schema, &mut order);
    let mut at = 1;
    while let Some(name) = order.get(at).cloned() {
        section(&mut text, &name, &schema["$defs"][name.as_str()], &mut order);
        at += 1;
    }
    text
}

fn section(text: &mut String, name: &str, schema: &Value, order: &mut Vec<String>) {
    write!(text, "\n## {name}\n\n").expect("a string takes everything");
    let describe = |schema: &Value| {
        schema["description"]
            .as_str()
            .map(|words| words.replace('\n', " "))
            .unwrap_or_default()
    };
    let words = describe(schema);
    if !words.is_empty() {
        writeln!(text, "{words}\n").expect("a string takes everything");
    }
    if let Some(properties) = schema["properties"].as_object() {
        text.push_str("| key | value | default | |\n|---|---|---|---|\n");
        for (key, value) in properties {
            let required = schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|name| name == key));
            let default = match value.get("default") {
                Some(default) => format!("`{}`", crate::scenario::yaml::flow(default).replace('|', "\\|")),
                None if required => String::new(),
                None => "*optional*".to_owned(),
            };
            let kind = kind(value, order);
            writeln!(
                text,
                "| `{key}` | {kind} | {} | {} |",
                shorten(&default),
                describe(value)
            )
            .expect("it takes it");
        }
    } else if let Some(branches) = schema["oneOf"].as_array() {
        for branch in branches {
            let words = describe(branch);
            for word in branch["const"].as_str().into_iter().chain(
                branch["enum"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            ) {
                writeln!(text, "- `{word}` {words}").expect("a string takes everything");
            }
            for (key, value) in branch["properties"].as_object().into_iter().flatten() {
                let kind = kind(value, order);
                writeln!(text, "- `{key}:` {kind} {words}").expect("a string takes everything");
            }
        }
    } else if schema.get("format").is_none() {
        let kind = kind(schema, order);
        writeln!(text, "{kind}").expect("a string takes everything");
    }
}

/// A default that fills a page is told by its section instead.
fn shorten(default: &str) -> &str {
    if default.len() > 60 { "see there" } else { default }
}

/// The kind of a value, with links; definitions met for the first time get a section.
fn kind(schema: &Value, order: &mut Vec<String>) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if !order.iter().any(|known| known == name) {
            order.push(name.to_owned());
        }
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(branches) = schema["anyOf"].as_array() {
        return branches
            .iter()
            .map(|branch| kind(branch, order))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    match schema["type"].as_str() {
        Some("array") => match schema.get("prefixItems").and_then(Value::as_array) {
            Some(items) => format!(
                "[{}]",
                items
                    .iter()
                    .map(|item| kind(item, order))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            None => format!("list of {}", kind(&schema["items"], order)),
        },
        Some("object") => match schema.get("additionalProperties").filter(|inside| inside.is_object()) {
            Some(inside) => format!("names to {}", kind(inside, order)),
            None => "map".to_owned(),
        },
        Some("string") if schema.get("format").is_some() => {
            format!("`{}`", schema["format"].as_str().unwrap_or_default())
        }
        Some("string") => "text".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some(number) => {
            let bound = |name: &str| schema[name].as_f64().map(|bound| bound.to_string());
            match (bound("minimum"), bound("maximum")) {
                (Some(low), Some(high)) => format!("{number}, {low} to {high}"),
                (Some(low), None) => format!("{number}, at least {low}"),
                (None, Some(high)) => format!("{number}, at most {high}"),
                (None, None) => number.to_owned(),
            }
        }
        None => match schema["type"].as_array() {
            Some(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            None => "anything".to_owned(),
        },
    }
}
