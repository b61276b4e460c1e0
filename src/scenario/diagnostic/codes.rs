//! The registry: every code that a diagnostic can carry, each with its severity and its page.
//!
//! A code is stable: once given it keeps its meaning, and the number of a code that is no longer used is not given
//! again. The page is `docs/diagnostics/<code>.md`; the example is `scenarios/invalid/<code>-<slug>.yaml`, which the
//! tests hold to yield exactly this code. Where a code is reported is found by its name in the source.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be run.
    Error,
    /// It runs, but perhaps not as was meant.
    Warning,
}

/// The example's bytes, which need not be UTF-8; two codes cannot have one.
macro_rules! example {
    ($code:literal $slug:literal without_example) => {
        None
    };
    ($code:literal $slug:literal) => {
        Some(include_bytes!(concat!(
            "../../../scenarios/invalid/",
            $code,
            "-",
            $slug,
            ".yaml"
        )))
    };
}

macro_rules! codes {
    ($($name:ident $code:literal $slug:literal $severity:ident $($without:ident)?;)*) => {
        /// What is wrong, as a stable number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $slug] $name,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// `WT0201`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// A few words, as in the name of the example's file.
            pub const fn slug(self) -> &'static str {
                match self { $(Code::$name => $slug,)* }
            }

            pub const fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }

            /// A scenario that yields this code and no other.
            pub const fn example(self) -> Option<&'static [u8]> {
                match self { $(Code::$name => example!($code $slug $($without)?),)* }
            }

            /// The page about this code, in Markdown.
            pub const fn page(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("../../../docs/diagnostics/", $code, ".md")),)* }
            }
        }
    };
}

codes! {
    // Files.
    UnreadableFile "WT0101" "unreadable-file" Error;
    EmptyFile "WT0102" "empty-file" Error;
    FileTooLarge "WT0103" "file-too-large" Error without_example;
    NotUtf8 "WT0104" "not-utf8" Error;
    MalformedYaml "WT0105" "malformed-yaml" Error;
    TooDeep "WT0106" "too-deep" Error;
    TooManyValues "WT0107" "too-many-values" Error;
    DuplicateKey "WT0108" "duplicate-key" Error;
    SeveralDocuments "WT0109" "several-documents" Error;
    MalformedTable "WT0110" "malformed-table" Error;

    // The form of the language.
    UnknownKey "WT0201" "unknown-key" Error;
    NotModelledYet "WT0202" "not-modelled-yet" Error;
    MissingKey "WT0203" "missing-key" Error;
    WrongKind "WT0204" "wrong-kind" Error;
    UnknownWord "WT0205" "unknown-word" Error;
    MissingUnit "WT0206" "missing-unit" Error;
    MalformedQuantity "WT0207" "malformed-quantity" Error;
    OutOfRange "WT0208" "out-of-range" Error;
    NotExactlyOne "WT0209" "not-exactly-one" Error;
    WrongLength "WT0210" "wrong-length" Error;
    UnknownPath "WT0211" "unknown-path" Error;
    ConflictingKeys "WT0212" "conflicting-keys" Error;
    SchemaDisagrees "WT0213" "schema-disagrees" Error without_example;

    // Names.
    UnknownName "WT0301" "unknown-name" Error;
    NameTaken "WT0302" "name-taken" Error;
    MalformedReference "WT0303" "malformed-reference" Error;

    // Task definitions.
    MalformedTaskDefinition "WT0401" "malformed-task-definition" Error;
    NoContainers "WT0402" "no-containers" Error;
    TooManyContainers "WT0403" "too-many-containers" Error;
    NoEssentialContainer "WT0404" "no-essential-container" Error;
    ContainerCycle "WT0405" "container-cycle" Error;
    IllegalCondition "WT0406" "illegal-condition" Error;
    FargateSize "WT0407" "fargate-size" Error;
    FargateNetworkMode "WT0408" "fargate-network-mode" Error;
    ContainersExceedTask "WT0409" "containers-exceed-task" Error;
    NoTaskSize "WT0410" "no-task-size" Error;
    EssentialContainerEnds "WT0411" "essential-container-ends" Error;

    // Starts of tasks.
    LayerOfTwoSizes "WT0420" "layer-of-two-sizes" Error;
    LazyOffFargate "WT0421" "lazy-off-fargate" Error;
    MemoryBeyondLimit "WT0422" "memory-beyond-limit" Warning;
    MemoryNotDeclared "WT0423" "memory-not-declared" Warning;
    ImagesExceedDisk "WT0424" "images-exceed-disk" Warning;
    ReservedPort "WT0425" "reserved-port" Error;

    // Capacity and placement.
    UnknownInstanceType "WT0501" "unknown-instance-type" Error;
    FitsNoInstance "WT0502" "fits-no-instance" Error;
    WrongArchitecture "WT0503" "wrong-architecture" Error;
    PlacementOnFargate "WT0504" "placement-on-fargate" Error;
    MixedCapacityProviders "WT0505" "mixed-capacity-providers" Error;
    ContradictorySizes "WT0506" "contradictory-sizes" Error;
    NoCapacity "WT0507" "no-capacity" Error;
    MalformedConstraint "WT0508" "malformed-constraint" Error;
    FleetTooSmall "WT0509" "fleet-too-small" Warning;
    ForeignZone "WT0510" "foreign-zone" Error;
    PricesOfAnotherRegion "WT0511" "prices-of-another-region" Warning;
    SeveralBases "WT0512" "several-bases" Error;

    // The service scheduler.
    DaemonOnFargate "WT0520" "daemon-on-fargate" Error;
    DaemonCannotHave "WT0521" "daemon-cannot-have" Error;
    RebalancingCannotWork "WT0522" "rebalancing-cannot-work" Error;

    // Load balancers.
    SlowStartAlgorithm "WT0601" "slow-start-algorithm" Error;
    DuplicatePriority "WT0602" "duplicate-priority" Error;
    WeightsSumToZero "WT0603" "weights-sum-to-zero" Error;
    TargetGroupShared "WT0604" "target-group-shared" Error;
    TargetGroupWithoutListener "WT0605" "target-group-without-listener" Error;
    CheckTimeoutTooLong "WT0606" "check-timeout-too-long" Error;
    DuplicatePort "WT0607" "duplicate-port" Error;
    NoListener "WT0608" "no-listener" Error;
    MissingAlternate "WT0609" "missing-alternate" Error;
    RuleWithoutGroup "WT0610" "rule-without-group" Error;
    TargetGroupOfNoService "WT0611" "target-group-of-no-service" Warning;
    BalancerQuota "WT0620" "balancer-quota" Error;
    MalformedAddress "WT0621" "malformed-address" Error;
    FailoverBelowRouting "WT0622" "failover-below-routing" Error;
    ZonalShiftRefused "WT0623" "zonal-shift-refused" Error;
    StickinessRefused "WT0624" "stickiness-refused" Error;
    StickinessWithoutClients "WT0625" "stickiness-without-clients" Warning;
    MitigationAlgorithm "WT0626" "mitigation-algorithm" Error;
    TooManyTargets "WT0627" "too-many-targets" Warning;

    // Deployments, scaling, alarms.
    BlockedDeployment "WT0701" "blocked-deployment" Error;
    DeploymentCannotMove "WT0702" "deployment-cannot-move" Warning;
    MissingBakeTime "WT0703" "missing-bake-time" Error;
    BreakerNotRolling "WT0704" "breaker-not-rolling" Error;
    AlarmPeriod "WT0705" "alarm-period" Error;
    DatapointsExceedPeriods "WT0706" "datapoints-exceed-periods" Error;
    MalformedExpression "WT0707" "malformed-expression" Error;
    MalformedSchedule "WT0708" "malformed-schedule" Error;
    ScheduleWithoutClock "WT0709" "schedule-without-clock" Error;
    StartUpOutlastsChecks "WT0710" "start-up-outlasts-checks" Warning;
    MetricLosesItsTargets "WT0711" "metric-loses-its-targets" Warning;
    ShareOfTraffic "WT0720" "share-of-traffic" Error;
    ShiftNeverArrives "WT0721" "shift-never-arrives" Warning;
    HookWithoutStage "WT0722" "hook-without-stage" Error;
    PauseInShift "WT0723" "pause-in-shift" Error;
    HookOutlastsDeployment "WT0724" "hook-outlasts-deployment" Error;
    HookOutlastsStage "WT0725" "hook-outlasts-stage" Warning;
    NothingToContinue "WT0726" "nothing-to-continue" Warning;
    TestRuleOfProduction "WT0727" "test-rule-of-production" Error;
    NotWithCodeDeploy "WT0728" "not-with-code-deploy" Error;
    EarlySuccessBelowMinimum "WT0740" "early-success-below-minimum" Error;
    EarlySuccessNotRolling "WT0741" "early-success-not-rolling" Error;
    NeedOfNoRevision "WT0742" "need-of-no-revision" Error;
    NeedWithoutCall "WT0743" "need-without-call" Error;
    SkewWithoutTimeout "WT0744" "skew-without-timeout" Error;

    // What the code does.
    CallCycle "WT0801" "call-cycle" Error;
    UnboundedRetry "WT0802" "unbounded-retry" Error;
    TimeoutBelowNetwork "WT0803" "timeout-below-network" Error;
    DistributionParameters "WT0804" "distribution-parameters" Error;
    ImpossibleDistribution "WT0805" "impossible-distribution" Error;
    NoOperations "WT0806" "no-operations" Error;
    MalformedRoute "WT0807" "malformed-route" Error;
    OperationOutOfReach "WT0808" "operation-out-of-reach" Warning;
    QuorumOutOfReach "WT0810" "quorum-out-of-reach" Error;
    CacheExceedsMemory "WT0811" "cache-exceeds-memory" Error;
    NobodyWaits "WT0830" "nobody-waits" Error;
    NothingToRefuse "WT0831" "nothing-to-refuse" Error;
    LimitBelowWorkers "WT0832" "limit-below-workers" Warning;
    PriorityWithoutEffect "WT0833" "priority-without-effect" Warning;
    HeapTooSmall "WT0834" "heap-too-small" Error;
    CreditsOfNobody "WT0835" "credits-of-nobody" Error;
    GuardWithoutEffect "WT0840" "guard-without-effect" Error;
    HedgeAfterTimeout "WT0841" "hedge-after-timeout" Error;
    RetriesMultiply "WT0842" "retries-multiply" Warning;
    LeavesBeforeRetries "WT0843" "leaves-before-retries" Warning;

    BrownOutOfNothing "WT0890" "brown-out-of-nothing" Warning;
    OptionalForNobody "WT0891" "optional-for-nobody" Warning;
    RetryAfterOfNobody "WT0892" "retry-after-of-nobody" Warning;

    // Ways straight to tasks, and the network.
    BalancingOfNobody "WT0850" "balancing-of-nobody" Error;
    ShardOfEverything "WT0851" "shard-of-everything" Warning;
    DnsWithoutRegistry "WT0852" "dns-without-registry" Error;
    LinkOfNothing "WT0853" "link-of-nothing" Error;
    KeepAliveOutlastsServer "WT0870" "keep-alive-outlasts-server" Warning;
    TransferOutlastsTimeout "WT0871" "transfer-outlasts-timeout" Error;
    ConnectionsOfNobody "WT0872" "connections-of-nobody" Warning;

    // Dependencies and queues.
    PoolsExceedConnections "WT0820" "pools-exceed-connections" Warning;

    DeadLetterCycle "WT0860" "dead-letter-cycle" Error;
    HandlingOutlastsVisibility "WT0861" "handling-outlasts-visibility" Warning;
    QueueWithoutConsumer "WT0862" "queue-without-consumer" Warning;
    QueueOfNobody "WT0863" "queue-of-nobody" Warning;
    RetentionTooShort "WT0864" "retention-too-short" Warning;

    // Traffic.
    PointsOutOfOrder "WT0901" "points-out-of-order" Error;
    TraceOutOfOrder "WT0902" "trace-out-of-order" Error;
    QueueWithoutBound "WT0903" "queue-without-bound" Warning;
    StateOutOfReach "WT0910" "state-out-of-reach" Error;
    ProbabilitiesAboveOne "WT0911" "probabilities-above-one" Error;
    JourneyWithoutEnd "WT0912" "journey-without-end" Error;
    StepOutOfReach "WT0913" "step-out-of-reach" Warning;

    // Events and questions.
    EventAfterEnd "WT1001" "event-after-end" Error;
    WindowOutsideRun "WT1002" "window-outside-run" Error;
    ScopeOfCost "WT1003" "scope-of-cost" Error;
    VariantsDiffer "WT1004" "variants-differ" Error;
    FailoverWithoutStandby "WT1005" "failover-without-standby" Error;
    FaultOverlapsItself "WT1010" "fault-overlaps-itself" Error;
    FaultFollowsFollower "WT1011" "fault-follows-follower" Error;
    ReclaimWithoutSpot "WT1013" "reclaim-without-spot" Error;
    NobodySelected "WT1012" "nobody-selected" Warning;

    // Stress.
    LoadsUpsideDown "WT1140" "loads-upside-down" Error;
    LoadOfNobody "WT1141" "load-of-nobody" Error;
    LoadOfItsOwnTime "WT1142" "load-of-its-own-time" Error;
    ShockOfNothing "WT1143" "shock-of-nothing" Error;

    // Several files beside each other.
    LengthsDiffer "WT1150" "lengths-differ" Error without_example;
    WarmUpsDiffer "WT1151" "warm-ups-differ" Warning without_example;
    LuckDiffers "WT1152" "luck-differs" Warning without_example;
    RequestsDiffer "WT1153" "requests-differ" Warning without_example;
    ObjectiveOfNobody "WT1170" "objective-of-nobody" Error;

    // Folders of results.
    NotAResultsFolder "WT1160" "not-a-results-folder" Error without_example;
    OtherResultsFormat "WT1161" "other-results-format" Error without_example;
    MissingResults "WT1162" "missing-results" Error without_example;
    DamagedResults "WT1163" "damaged-results" Error without_example;
    ResultsOfAnotherCommand "WT1164" "results-of-another-command" Error without_example;
    // What is chosen from.
    RangeUpsideDown "WT1120" "range-upside-down" Error;
    NothingToChoose "WT1121" "nothing-to-choose" Error;
    StepOfNothing "WT1122" "step-of-nothing" Error;
    MalformedRange "WT1123" "malformed-range" Error;
    DuplicateCandidate "WT1124" "duplicate-candidate" Error;
    TooManyCandidates "WT1125" "too-many-candidates" Error;
    SizeWithoutObjectives "WT1126" "size-without-objectives" Error;
    NoCandidate "WT1127" "no-candidate" Error;
    LossOfTheOnlyZone "WT1128" "loss-of-the-only-zone" Error;
    WhatIfOfNothing "WT1129" "what-if-of-nothing" Error;
    NotAChoice "WT1130" "not-a-choice" Error;

    // Sweeps.
    EmptyDesign "WT1101" "empty-design" Error;
    SweptRangeUpsideDown "WT1102" "swept-range-upside-down" Error;
    RepeatedPoint "WT1103" "repeated-point" Error;
    RangeWithoutMeasure "WT1104" "range-without-measure" Error;
    PathSweptTwice "WT1105" "path-swept-twice" Error;
    UnevenList "WT1106" "uneven-list" Error;
    SweepWithoutEffect "WT1107" "sweep-without-effect" Error;
    PointCannotRun "WT1108" "point-cannot-run" Error;
    TooManyRuns "WT1109" "too-many-runs" Error;
    MalformedDesign "WT1110" "malformed-design" Error without_example;
    ShardOutOfRange "WT1111" "shard-out-of-range" Error without_example;
    SweepOfAnotherVersion "WT1112" "sweep-of-another-version" Error without_example;
    SweepOfAnotherScenario "WT1113" "sweep-of-another-scenario" Error without_example;
    SweepOfOtherSettings "WT1114" "sweep-of-other-settings" Error without_example;
    DamagedManifest "WT1115" "damaged-manifest" Error without_example;
    DamagedPart "WT1116" "damaged-part" Error without_example;
    MissingParts "WT1117" "missing-parts" Error without_example;
    PartsDiffer "WT1118" "parts-differ" Error without_example;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = UnknownCode;

    /// Takes `WT0201`, `wt0201` and `201`.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let upper = text.trim().to_ascii_uppercase();
        let digits = upper.strip_prefix("WT").unwrap_or(&upper);
        let full = format!("WT{digits:0>4}");
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == full)
            .ok_or(UnknownCode)
    }
}

/// No diagnostic has such a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no diagnostic has this code; `wavetank check` prints codes like WT0201")]
pub struct UnknownCode;
