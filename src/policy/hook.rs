//! When a life-cycle hook answers, and what: from how long its calls take.
//!
//! A function that answers IN_PROGRESS is called again after its call-back delay; one call lasts 15 minutes at most, as
//! any call of AWS Lambda does. Whoever has not answered by the hook's timeout is not waited for any longer
//! [DG:deployment-lifecycle-hooks]. Deliberately not here: the luck (`sim::control_plane::hooks`).

use crate::blueprint::{LambdaHook, TimeoutAction};
use crate::units::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// It answered FAILED.
    Failed,
    /// A call lasted too long.
    FunctionTimedOut,
    TimedOut(TimeoutAction),
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Succeeded => "SUCCEEDED",
            Outcome::Failed | Outcome::FunctionTimedOut => "FAILED",
            Outcome::TimedOut(_) => "TIMED_OUT",
        }
    }

    /// Why the deployment fails, if it does.
    pub const fn failure(self) -> Option<&'static str> {
        match self {
            Outcome::Succeeded | Outcome::TimedOut(TimeoutAction::Continue) => None,
            Outcome::Failed => Some("answered FAILED"),
            Outcome::FunctionTimedOut => Some("ran into the time limit of its function"),
            Outcome::TimedOut(TimeoutAction::Rollback) => Some("did not answer in time"),
        }
    }
}

/// The last word of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWord {
    Succeeded,
    Failed,
}

/// How long a hook is patient, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub timeout: Span,
    pub then: TimeoutAction,
}

/// From the first call to the answer. `call` is how long the n-th call takes, from 0.
pub fn answer(
    hook: &LambdaHook,
    patience: Patience,
    last_word: LastWord,
    call: impl Fn(u32) -> Span,
) -> (Span, Outcome) {
    let mut passed = Span::ZERO;
    for number in 0..=hook.in_progress {
        let lasts = call(number);
        passed += lasts.min(hook.longest_call);
        if passed > patience.timeout {
            break;
        }
        if lasts > hook.longest_call {
            return (passed, Outcome::FunctionTimedOut);
        }
        if number == hook.in_progress {
            let outcome = match last_word {
                LastWord::Succeeded => Outcome::Succeeded,
                LastWord::Failed => Outcome::Failed,
            };
            return (passed, outcome);
        }
        passed += hook.call_back_delay;
    }
    (patience.timeout, Outcome::TimedOut(patience.then))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::dist::Dist;
    use crate::units::Ratio;

    fn hook(in_progress: u32) -> LambdaHook {
        LambdaHook {
            duration: Dist::constant(20.0).expect("a time"),
            longest_call: Span::from_secs(900),
            failure_ratio: Ratio::ZERO,
            in_progress,
            call_back_delay: Span::from_secs(30),
        }
    }

    fn patience(seconds: u64, then: TimeoutAction) -> Patience {
        Patience {
            timeout: Span::from_secs(seconds),
            then,
        }
    }

    const DAY: u64 = 86_400;

    #[test]
    fn a_function_in_progress_is_called_again_after_its_delay() {
        // 20 + 30 + 20 + 30 + 20.
        let twenty = |_| Span::from_secs(20);
        let patient = patience(DAY, TimeoutAction::Rollback);
        let (after, outcome) = answer(&hook(2), patient, LastWord::Succeeded, twenty);
        assert_eq!((after, outcome), (Span::from_secs(120), Outcome::Succeeded));
        let (after, outcome) = answer(&hook(0), patient, LastWord::Failed, twenty);
        assert_eq!((after, outcome), (Span::from_secs(20), Outcome::Failed));
    }

    #[test]
    fn a_call_of_a_function_lasts_fifteen_minutes_at_most() {
        let patient = patience(DAY, TimeoutAction::Rollback);
        let (after, outcome) = answer(&hook(0), patient, LastWord::Succeeded, |_| Span::from_secs(901));
        assert_eq!((after, outcome), (Span::from_secs(900), Outcome::FunctionTimedOut));
        let (after, outcome) = answer(&hook(0), patient, LastWord::Succeeded, |_| Span::from_secs(900));
        assert_eq!((after, outcome), (Span::from_secs(900), Outcome::Succeeded));
    }

    #[test]
    fn who_has_not_answered_by_the_timeout_is_not_waited_for() {
        let twenty = |_| Span::from_secs(20);
        for then in [TimeoutAction::Rollback, TimeoutAction::Continue] {
            let (after, outcome) = answer(&hook(2), patience(119, then), LastWord::Succeeded, twenty);
            assert_eq!((after, outcome), (Span::from_secs(119), Outcome::TimedOut(then)));
        }
        assert_eq!(Outcome::TimedOut(TimeoutAction::Continue).failure(), None);
        assert!(Outcome::TimedOut(TimeoutAction::Rollback).failure().is_some());
    }
}
