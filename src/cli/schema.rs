//! `wavetank schema`: the JSON Schema of scenario files.

use super::Status;
use super::terminal::Terminal;
use crate::scenario;

pub fn schema(terminal: &Terminal) -> anyhow::Result<Status> {
    terminal.say_json(scenario::json_schema());
    Ok(Status::Good)
}
