//! A source file as the tidy rules see it: words with their neighbours, comments, strings and test code blanked out.
//!
//! This is not a parser. It relies on rustfmt's layout for one thing only: that an item's closing brace stands at the
//! item's own indentation.

use std::path::Path;

pub struct Source {
    /// From the package's root, with `/`.
    pub path: String,
    pub text: String,
    /// As long as `text` in lines; comments, string contents and test code are spaces.
    code: String,
    pub words: Vec<Word>,
    /// A file of tests and nothing else.
    pub is_test: bool,
}

/// An identifier with what stands directly before and after it, white space aside: one of `::`, `.`, `!`, `(`, `{`, …
pub struct Word {
    pub line: usize,
    pub text: String,
    pub before: &'static str,
    pub after: &'static str,
    /// Where it begins in the code.
    at: usize,
}

/// All `.rs` files under a folder of the package, by path; none if there is no such folder.
pub fn read_all(folder: &str) -> Vec<Source> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("sources are readable UTF-8");
                let name = path
                    .strip_prefix(root)
                    .expect("walked from the root")
                    .to_string_lossy()
                    .replace('\\', "/");
                found.push(Source::new(&name, &text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(root, &root.join(folder), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let code = if is_test {
            "\n".repeat(text.lines().count())
        } else {
            without_tests(&blanked(text))
        };
        let words = words(&code);
        Source {
            path: path.to_string(),
            text: text.to_string(),
            code,
            words,
            is_test,
        }
    }

    /// The module of the crate's root that the file belongs to: `sim` for `src/sim/data_plane/call.rs`.
    pub fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
    }

    /// `data_plane` or `control_plane` for files of `src/sim/<plane>`.
    pub fn plane(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/sim/")?;
        Some(inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs"))
    }

    pub fn lines_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.words
            .iter()
            .filter(move |found| found.text == word)
            .map(|found| found.line)
    }

    pub fn lines_containing(&self, text: &str) -> Vec<usize> {
        self.code
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains(text))
            .map(|(at, _)| at + 1)
            .collect()
    }

    pub fn method_calls(&self, name: &str) -> Vec<usize> {
        let called = |word: &Word| word.text == name && word.before == "." && word.after == "(";
        self.words
            .iter()
            .filter(|word| called(word))
            .map(|word| word.line)
            .collect()
    }

    pub fn macro_calls(&self, name: &str) -> Vec<usize> {
        self.words
            .iter()
            .filter(|word| word.text == name && word.after == "!")
            .map(|word| word.line)
            .collect()
    }

    /// Lines where a path begins with the crate's name.
    pub fn uses_of_crate(&self, name: &str) -> Vec<usize> {
        let words = &self.words;
        let rooted = |at: usize| match words[at].before {
            "::" => {
                at == 0
                    || !self.code[words[at - 1].at..words[at].at]
                        .trim_end()
                        .ends_with(&joined(&words[at - 1]))
            }
            _ => true,
        };
        let path = |at: usize| {
            words[at].after == "::" || (at > 0 && words[at - 1].text == "use" && matches!(words[at].after, ";" | ""))
        };
        let found = (0..words.len()).filter(|at| words[*at].text == name && path(*at) && rooted(*at));
        found.map(|at| words[at].line).collect()
    }

    /// Lines where one of the names is taken out of a module, as `module::name` or `module::{…, name}`.
    pub fn uses_of_path(&self, module: &str, names: &[&str]) -> Vec<usize> {
        let heads = self
            .words
            .iter()
            .filter(|word| word.text == module && word.after == "::");
        let taken = heads.flat_map(|head| self.children(head));
        taken
            .filter(|(_, name)| names.contains(&name.as_str()))
            .map(|(line, _)| line)
            .collect()
    }

    /// Modules of the crate's root that the file names through `crate::` or enough `super::`.
    pub fn crate_modules(&self) -> Vec<(usize, String)> {
        let depth = self.path.trim_end_matches(".rs").split('/').count() - 1;
        let words = &self.words;
        let mut found = Vec::new();
        let mut climbed = 0;
        for word in words {
            climbed = match word.text.as_str() {
                "super" if word.before == "::" => climbed + 1,
                "super" => 1,
                _ => 0,
            };
            if word.after == "::" && (word.text == "crate" || climbed == depth) {
                found.extend(self.children(word));
            }
        }
        found
    }

    /// What follows a word and `::`: one name, or the first names of the group's entries.
    fn children(&self, head: &Word) -> Vec<(usize, String)> {
        let mut line = head.line;
        let mut depth = 0;
        let mut fresh = true;
        let mut found = Vec::new();
        let mut name = String::new();
        let rest = self.code[head.at + head.text.len()..]
            .trim_start()
            .trim_start_matches("::");
        for c in rest.chars() {
            if c.is_alphanumeric() || c == '_' {
                name.push(c);
                continue;
            }
            if !name.is_empty() && fresh {
                found.push((line, std::mem::take(&mut name)));
                fresh = false;
            }
            name.clear();
            match c {
                '\n' => line += 1,
                '{' => {
                    depth += 1;
                    fresh = fresh && depth == 1;
                }
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                _ => {}
            }
            if depth <= 0 && !fresh {
                break;
            }
            if depth == 0 && !c.is_whitespace() {
                break;
            }
        }
        if !name.is_empty() && fresh {
            found.push((line, name));
        }
        found
    }
}

fn words(code: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut chars = code.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        if !(c.is_alphanumeric() || c == '_') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((next, c)) = chars.peek().copied().filter(|(_, c)| c.is_alphanumeric() || *c == '_') {
            end = next + c.len_utf8();
            chars.next();
        }
        let before = sign(code[..at].trim_end(), str::ends_with);
        let after = sign(code[end..].trim_start(), str::starts_with);
        words.push(Word {
            line,
            text: code[at..end].to_string(),
            before,
            after,
            at,
        });
    }
    words
}

fn joined(word: &Word) -> String {
    format!("{}::", word.text)
}

/// The sign at an end of the text.
fn sign(text: &str, at: fn(&str, &'static str) -> bool) -> &'static str {
    let signs = ["::", "!", ".", "(", ")", "{", "}", ";", ",", "&", "<", ">", "="];
    signs.into_iter().find(|sign| at(text, sign)).unwrap_or("")
}

/// The text with comments and the contents of strings and characters as spaces, line by line as long as before.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => block_end(&chars, at),
            ('"', _) => string_end(&chars, at),
            ('r', Some('"' | '#')) if at == 0 || !is_name(chars[at - 1]) => raw_end(&chars, at),
            ('\'', Some('\\')) => chars[at + 3..]
                .iter()
                .position(|c| *c == '\'')
                .map_or(chars.len(), |n| at + 4 + n),
            ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
            _ => {
                out.push(chars[at]);
                at += 1;
                continue;
            }
        };
        out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|c| *c == '\n')
        .map_or(chars.len(), |n| at + n)
}

fn block_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut here = at;
    while here + 1 < chars.len() {
        match (chars[here], chars[here + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                here += 1;
                continue;
            }
        }
        here += 2;
        if depth == 0 {
            return here;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < chars.len() && chars[here] != '"' {
        here += if chars[here] == '\\' { 2 } else { 1 };
    }
    (here + 1).min(chars.len())
}

/// Of `r"…"` or `r#"…"#`; a raw identifier (`r#type`) ends at once.
fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at + 1 + hashes;
    }
    let mut here = at + 2 + hashes;
    while here < chars.len() {
        if chars[here] == '"' && chars[here + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return here + 1 + hashes;
        }
        here += 1;
    }
    chars.len()
}

/// Blanks the item after each `#[cfg(test)]`: to its `;`, or to the brace that closes it at its own indentation.
fn without_tests(code: &str) -> String {
    let mut out = Vec::new();
    let mut closing: Option<String> = None;
    let mut pending = false;
    for line in code.lines() {
        if let Some(brace) = &closing {
            if line.trim_end() == brace {
                closing = None;
            }
            out.push("");
            continue;
        }
        if line.trim() == "#[cfg(test)]" {
            pending = true;
            out.push("");
            continue;
        }
        if pending {
            let trimmed = line.trim_end();
            let indentation = &line[..line.len() - line.trim_start().len()];
            if trimmed.ends_with('{') {
                closing = Some(format!("{indentation}}}"));
                pending = false;
            } else if trimmed.ends_with(';') || trimmed.ends_with('}') {
                pending = false;
            }
            out.push("");
            continue;
        }
        out.push(line);
    }
    out.join("\n")
}
