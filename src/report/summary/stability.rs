//! Whether the system came back after what befell it, in a sentence or two.

use super::{labelled, style};
use crate::probe::Pool;
use crate::probe::stability::{Stability, Standing};
use crate::report::tables::stability::{Recovery, of_runs, recovery};
use crate::report::words::{counted, duration, short};

pub fn section(pool: &Pool) -> String {
    let runs = of_runs(pool);
    let Some(recovery) = recovery(pool, &runs) else {
        return String::new();
    };
    let first = &runs[0].1;
    let names = match first.trigger.names.as_slice() {
        [first, second, _, ..] => format!("{first}, {second} and more"),
        names => names.join(" and "),
    };
    let words = format!("after {}: {}", names.replace('_', " "), verdict(&runs, &recovery));
    labelled("Stability", &words)
}

fn verdict(runs: &[(u32, Stability)], recovery: &Recovery) -> String {
    let total = recovery.share.n;
    let unharmed = runs.iter().filter(|(_, it)| it.standing == Standing::Unharmed).count() as u64;
    if unharmed == total {
        return style::good("nothing out of the ordinary was seen");
    }
    let after = recovery.after_s.map_or(String::new(), |after| {
        let half = after.interval().map(|(low, high)| (high - low) / 2.0);
        let half = half.map_or(String::new(), |half| format!(" ± {}", duration(half)));
        format!(" {}{half} later", duration(after.value))
    });
    if recovery.came_back == total {
        return style::good(&format!("back to normal{after}"));
    }
    let mut words = if recovery.came_back == 0 {
        style::bad("does not come back")
    } else {
        let percent = |share: f64| short(100.0 * share, 2);
        let share = &recovery.share;
        let chance = format!(
            "comes back in {} of {} ({} %; {} to {} %)",
            recovery.came_back,
            counted(total as usize, "run"),
            percent(share.estimate),
            percent(share.low),
            percent(share.high)
        );
        format!("{}{after}", style::bad(&chance))
    };
    let down = runs.iter().find(|(_, it)| it.standing == Standing::StaysDown);
    if let Some((replication, it)) = down {
        let evidence: Vec<&str> = it.evidence.iter().take(3).map(|(_, words)| words.as_str()).collect();
        words.push_str(&format!("; at the end of run {replication}: {}", evidence.join(", ")));
    }
    words
}
