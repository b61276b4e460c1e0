//! `wavetank explain`: what a diagnostic means, with an example that yields it.

use super::Status;
use super::arguments::Explain;
use super::terminal::Terminal;
use crate::scenario::{self, Code};

pub fn explain(terminal: &Terminal, explain: &Explain) -> anyhow::Result<Status> {
    let Some(asked) = &explain.code else {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        terminal.say(&codes.join("\n"));
        return Ok(Status::Good);
    };
    match asked.parse::<Code>() {
        Ok(code) => {
            terminal.say(&scenario::explain(code));
            Ok(Status::Good)
        }
        Err(unknown) => {
            terminal.complain(&format!("error: {unknown}"));
            Ok(Status::Wrong)
        }
    }
}
