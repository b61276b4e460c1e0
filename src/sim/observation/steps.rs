//! What came of steps that are more than time: counted over measured time, told at the end of a run.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// `parallel` steps that do not just wait for all of their branches, in order of the programs.
    pub joins: Vec<JoinCount>,
}

/// What came of one `parallel` step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinCount {
    /// `service/operation/step`.
    pub name: String,
    /// How often it was over.
    pub joins: u64,
    /// Of these, failed: too few branches succeeded, or too late.
    pub failed: u64,
    /// Of these, over because its time was up.
    pub timed_out: u64,
    /// Branches over all of these.
    pub branches: u64,
    /// Branches that had not succeeded when it was over.
    pub missing: u64,
}

impl JoinCount {
    pub fn none(name: String) -> Self {
        JoinCount {
            name,
            joins: 0,
            failed: 0,
            timed_out: 0,
            branches: 0,
            missing: 0,
        }
    }
}
