//! Metric arithmetic, `errors / (good + errors)`: text to [`Expression`].
//!
//! The usual precedence, from left to right. Brackets nest to a depth that no person writes.

use crate::blueprint::Expression;

const MAX_DEPTH: usize = 32;

/// Reads an expression over the metrics named.
pub(super) fn parse(text: &str, names: &[&str]) -> Result<Expression, String> {
    let mut reader = Reader { rest: text, names };
    let expression = reader.sum(0)?;
    match reader.peek() {
        None => Ok(expression),
        Some(c) => Err(format!("`{c}` is not expected here")),
    }
}

struct Reader<'t> {
    rest: &'t str,
    names: &'t [&'t str],
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, c: char) {
        self.rest = &self.rest[c.len_utf8()..];
    }

    fn sum(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.product(depth)?;
        while let Some(sign @ ('+' | '-')) = self.peek() {
            self.take(sign);
            let right = self.product(depth)?;
            let (left_box, right_box) = (Box::new(left), Box::new(right));
            left = if sign == '+' {
                Expression::Add(left_box, right_box)
            } else {
                Expression::Subtract(left_box, right_box)
            };
        }
        Ok(left)
    }

    fn product(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.operand(depth)?;
        while let Some(sign @ ('*' | '/')) = self.peek() {
            self.take(sign);
            let right = self.operand(depth)?;
            let (left_box, right_box) = (Box::new(left), Box::new(right));
            left = if sign == '*' {
                Expression::Multiply(left_box, right_box)
            } else {
                Expression::Divide(left_box, right_box)
            };
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > MAX_DEPTH {
            return Err("too many brackets".to_owned());
        }
        match self.peek() {
            None => Err("something is missing at the end".to_owned()),
            Some('(') => {
                self.take('(');
                let inside = self.sum(depth + 1)?;
                match self.peek() {
                    Some(')') => self.take(')'),
                    _ => return Err("a bracket is not closed".to_owned()),
                }
                Ok(inside)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => {
                let word = self.word(|c| c.is_ascii_digit() || c == '.');
                match word.parse::<f64>() {
                    Ok(number) if number.is_finite() => Ok(Expression::Number(number)),
                    _ => Err(format!("`{word}` is not a number")),
                }
            }
            Some(c) if c.is_alphabetic() || c == '_' => {
                let word = self.word(|c| c.is_alphanumeric() || c == '_');
                match self.names.iter().position(|name| *name == word) {
                    Some(at) => Ok(Expression::Metric(at)),
                    None => Err(format!("there is no metric `{word}`")),
                }
            }
            Some(c) => Err(format!("`{c}` is not expected here")),
        }
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Expression::*;

    #[test]
    fn multiplies_before_it_adds_and_goes_from_left_to_right() {
        let read = |text| parse(text, &["a", "b"]).expect("an expression");
        let (a, b) = (|| Box::new(Metric(0)), || Box::new(Metric(1)));
        assert_eq!(read("a / b"), Divide(a(), b()));
        assert_eq!(
            read("a + b * 2"),
            Add(a(), Box::new(Multiply(b(), Box::new(Number(2.0)))))
        );
        assert_eq!(read("a - b - a"), Subtract(Box::new(Subtract(a(), b())), a()));
        assert_eq!(read("(a + b) / b"), Divide(Box::new(Add(a(), b())), b()));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("a +", "missing"),
            ("a b", "`b`"),
            ("c", "no metric"),
            ("(a", "closed"),
            ("1.2.3", "number"),
            ("", "missing"),
        ] {
            let why = parse(text, &["a", "b"]).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
        assert!(parse(&"(".repeat(100_000), &[]).is_err());
    }
}
