//! The scenario of `wavetank stress`: without its events and with them.

use super::{changed, complain, quoted_command, verdict, verdicts};
use crate::blueprint::Blueprint;
use crate::cli::Status;
use crate::cli::arguments::{Format, Stress};
use crate::cli::terminal::Terminal;
use crate::report::provenance::Provenance;
use crate::scenario::Diagnostics;

/// A scenario that is right.
pub struct Stressful {
    /// Without events.
    pub calm: Blueprint,
    pub written: Blueprint,
    pub provenance: Provenance,
}

/// Loads and resolves the scenario. `None` if something is wrong, after all of it has been told.
pub fn stressful(terminal: &Terminal, stress: &Stress) -> anyhow::Result<Option<Stressful>> {
    let files = [stress.scenario.clone()];
    if let Err(why) = super::check_arguments(&files, &stress.changes, &[]) {
        terminal.complain(&format!("error: {why}"));
        return Ok(None);
    }
    let (selected, found) = match select(stress) {
        Ok((selected, found)) => (Some(selected), found),
        Err(found) => (None, found),
    };
    match terminal.format {
        Format::Text | Format::Markdown => complain(terminal, &found),
        Format::Json if found.is_empty() => {}
        Format::Json => {
            let status = if selected.is_some() {
                Status::Good
            } else {
                Status::Wrong
            };
            let told = vec![verdict(&stress.scenario, &found, None)];
            terminal.complain(&verdicts(told, status).to_string());
        }
    }
    Ok(selected)
}

/// Options and the keys that they stand for.
fn options(stress: &Stress) -> Vec<(&'static str, &'static str, String)> {
    // A name is a text, whatever it looks like.
    let text = |name: &String| serde_json::Value::from(name.as_str()).to_string();
    let name = stress
        .load
        .as_ref()
        .map(|name| ("--load", "experiment.stress.load", text(name)));
    let plain = [
        ("--from", "experiment.stress.from", &stress.from),
        ("--to", "experiment.stress.to", &stress.to),
        ("--levels", "experiment.stress.levels", &stress.levels),
        ("--hold", "experiment.stress.hold", &stress.hold),
    ];
    let plain = plain
        .into_iter()
        .filter_map(|(option, path, value)| Some((option, path, value.clone()?)));
    name.into_iter().chain(plain).collect()
}

fn select(stress: &Stress) -> Result<(Stressful, Diagnostics), Diagnostics> {
    let mut scenario = changed(&stress.scenario, &stress.changes)?;
    if !scenario.says("experiment.stress") {
        scenario = scenario.with("experiment.stress", "{}")?;
    }
    for (_, path, value) in options(stress) {
        scenario = scenario.with(path, &value)?;
    }
    // Variants have no part in it, and events none in the levels.
    let written = scenario.with("experiment.compare", "{}")?;
    let (blueprint, found) = written.resolve();
    let Some(blueprint) = blueprint else { return Err(found) };
    let quiet = written.with("events", "[]")?;
    // A shock by events would then be one of nothing; which it is, the scenario as written says.
    let quiet = quiet.with("experiment.stress.shock", "{ by: none }")?;
    let (calm, more) = quiet.resolve();
    let Some(calm) = calm else {
        return Err(found.merge(more));
    };
    let own = options(stress).into_iter().map(|(option, _, value)| match option {
        "--load" => (option, stress.load.clone().unwrap_or_default()),
        _ => (option, value),
    });
    let provenance = Provenance {
        command: quoted_command("stress", &[&stress.scenario], &stress.changes, own.collect()),
        scenario: stress.scenario.display().to_string(),
        scenario_hash: scenario.hash(),
        settings: stress.changes.set.clone(),
    };
    let selected = Stressful {
        calm,
        written: blueprint,
        provenance,
    };
    Ok((selected, found))
}
