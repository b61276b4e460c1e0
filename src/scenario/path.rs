//! Where a value stands in a scenario: the chain of keys and positions that leads to it.
//!
//! While the scenario is checked, a path is a linked list on the stack that costs nothing; it becomes text only in
//! messages. [`parse`] reads the dotted form that `--set` and `experiment.compare` take; a key that holds a dot is
//! written in double quotes. Finding the value is in [`super::tree`].

use std::fmt;

/// A path, from its end to the root.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    At(&'a Path<'a>, usize),
}

/// One step of a path in its own right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Key(String),
    At(usize),
}

impl<'a> Path<'a> {
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    pub fn at(&'a self, position: usize) -> Path<'a> {
        Path::At(self, position)
    }

    /// From the root to the end.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut here = self;
        loop {
            match here {
                Path::Root => break,
                Path::Key(before, key) => {
                    steps.push(Step::Key((*key).to_owned()));
                    here = before;
                }
                Path::At(before, position) => {
                    steps.push(Step::At(*position));
                    here = before;
                }
            }
        }
        steps.reverse();
        steps
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&display(&self.steps()))
    }
}

/// The dotted form.
pub fn display(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                if key.is_empty() || key.contains(['.', '[', ']', '"', '=']) {
                    text.push_str(&format!("\"{}\"", key.replace('"', "\\\"")));
                } else {
                    text.push_str(key);
                }
            }
            Step::At(position) => text.push_str(&format!("[{position}]")),
        }
    }
    text
}

/// Reads `services.web.load_balancers[0].target_group`; `None` if it is not a path.
pub fn parse(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"')?;
            steps.push(Step::Key(quoted[..end].to_owned()));
            rest = &quoted[end + 1..];
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        while let Some(bracket) = rest.strip_prefix('[') {
            let end = bracket.find(']')?;
            steps.push(Step::At(bracket[..end].parse().ok()?));
            rest = &bracket[end + 1..];
        }
        match rest.strip_prefix('.') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Some(steps),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        let root = Path::Root;
        let services = root.key("services");
        let routes = services.key("a.b");
        let end = routes.at(3);
        assert_eq!(end.to_string(), "services.\"a.b\"[3]");
        assert_eq!(parse(&end.to_string()), Some(end.steps()));
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in ["", ".a", "a.", "a..b", "a[", "a[x]", "a]b[0]x", "\"a"] {
            assert_eq!(parse(text).filter(|_| text != "a]b[0]x"), None, "{text}");
        }
    }
}
