//! Values to YAML text: block style for what is large, flow style for what fits on a line.
//!
//! The text reads back as the same values ([`super::parse`]); comments and places are not kept.

use serde_json::Value;

const WIDTH: usize = 118;

/// A whole document. Keys whose value is null are left out.
pub fn print(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(_) | Value::Array(_) => block(value, 0, &mut text),
        scalar => {
            text.push_str(&flow(scalar));
            text.push('\n');
        }
    }
    text
}

fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                pad(indent, text);
                text.push_str(&scalar_text(key));
                text.push(':');
                nested(value, indent, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                pad(indent, text);
                text.push('-');
                if fits(item, text) {
                    nested(item, indent, text);
                } else {
                    // The item's first line stands behind the dash.
                    let mut inside = String::new();
                    block(item, indent + 2, &mut inside);
                    text.push(' ');
                    text.push_str(inside.trim_start_matches(' '));
                }
            }
        }
        scalar => {
            pad(indent, text);
            text.push_str(&flow(scalar));
            text.push('\n');
        }
    }
}

/// What follows a key or a dash.
fn nested(value: &Value, indent: usize, text: &mut String) {
    if fits(value, text) {
        text.push(' ');
        text.push_str(&flow(value));
        text.push('\n');
    } else {
        text.push('\n');
        block(value, indent + 2, text);
    }
}

/// Whether the value goes on the line that the text ends with, and is not a map of maps of maps.
fn fits(value: &Value, text: &str) -> bool {
    let used = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    depth(value) == 0 || is_empty(value) || depth(value) <= 3 && used + 1 + flow(value).len() <= WIDTH
}

/// The value on one line.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => scalar_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let inside: Vec<String> = entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{}: {}", scalar_text(key), flow(value)))
                .collect();
            if inside.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", inside.join(", "))
            }
        }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.values().all(Value::is_null),
        _ => false,
    }
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// Plain where YAML reads it back as the same text in flow and in block context, else in double quotes.
fn scalar_text(text: &str) -> String {
    let first_is_safe = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '<' | '('));
    let inside_is_safe = text.chars().all(|c| {
        c.is_alphanumeric()
            || matches!(
                c,
                ' ' | '/' | '_' | '-' | '.' | '*' | '%' | '+' | '(' | ')' | '?' | '@' | '<' | '=' | '\''
            )
    });
    let reads_as_text = matches!(super::plain_scalar(text), super::Value::Text(_));
    if first_is_safe && inside_is_safe && reads_as_text && !text.ends_with(' ') {
        text.to_owned()
    } else {
        // JSON's escapes are YAML's.
        serde_json::to_string(text).expect("a string is always JSON")
    }
}
