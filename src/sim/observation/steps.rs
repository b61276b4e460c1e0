//! What came of steps that are more than time: counted over measured time, told at the end of a run.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// `parallel` steps that do not just wait for all of their branches, in order of the programs.
    pub joins: Vec<JoinCount>,
    /// Those with names first.
    pub caches: Vec<CacheCount>,
}

/// What was found in one cache, over all of its stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheCount {
    /// Its own, or `service/operation/step`.
    pub name: String,
    pub looks: u64,
    /// Looks that found something.
    pub hits: u64,
    /// Looks that found nothing, of those who waited for somebody else to fetch it.
    pub coalesced: u64,
    /// How often something was kept that had been fetched.
    pub fills: u64,
}

impl CacheCount {
    pub fn none(name: String) -> Self {
        CacheCount {
            name,
            looks: 0,
            hits: 0,
            coalesced: 0,
            fills: 0,
        }
    }
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
