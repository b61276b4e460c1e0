//! Traffic, alarms, and what happens at a time.

use super::{Balancing, Deploy, Duration, Factor, Form, Level, Named, Rate, Retry, RunTask, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where requests come from: a `rate` of arrivals, a `trace` of recorded ones, or `users` who wait for their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// `balancer`, `balancer/listener` or a service. A service that has a balancer is reached through it.
    pub to: String,
    /// To a service without a balancer: how a task is picked; round robin if absent.
    pub balancing: Option<Balancing>,
    /// Requests a second.
    pub rate: Option<Form<Rate, RateProfile>>,
    /// With `rate`: how arrivals scatter around it; poisson if absent.
    pub arrivals: Option<Arrivals>,
    /// A CSV file beside the scenario with the columns `time_s` (from 0, in order) and perhaps `class`.
    pub trace: Option<String>,
    /// How many users each send a request, wait for the answer, think, and send the next.
    #[schemars(range(min = 1))]
    pub users: Option<u32>,
    /// With `users`: none if absent.
    pub think_time: Option<Time>,
    /// How many clients the requests come from, each with cookies and connections of its own; if absent each request comes
    /// from a new one. Users are such clients anyway.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub clients: Option<u32>,
    /// Kinds of requests; one called after the traffic, `GET /`, if absent.
    #[serde(default)]
    pub requests: Vec<Request>,
    /// Of one attempt; the client waits for ever if absent.
    pub timeout: Option<Duration>,
    /// No retry if absent.
    pub retry: Option<Retry>,
}

/// A rate that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateProfile {
    /// Times and rates, linear between them; before the first and after the last the rate stays.
    Points(Vec<(Duration, Rate)>),
    /// Times from which a rate holds.
    Steps(Vec<(Duration, Rate)>),
    /// A CSV file beside the scenario with one column of requests in each minute from 0 on.
    PerMinute(String),
}

/// How arrivals scatter around the rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Independent of each other.
    Poisson,
    /// Evenly spaced.
    Regular,
    /// Turns between a high and a low rate; the mean stays.
    Bursty(Bursty),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bursty {
    /// The high rate over the low one.
    #[schemars(range(min = 1))]
    pub ratio: f64,
    /// Mean length of a high phase.
    pub mean_high: Duration,
    /// Mean length of a low phase.
    pub mean_low: Duration,
}

/// A kind of request: a name and one of `get`, `post`, ….
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub name: String,
    /// Its share is its weight over the sum.
    #[serde(default = "unit")]
    #[schemars(range(min = 0))]
    pub weight: f64,
    pub host: Option<String>,
    /// Headers by name, for a balancer's rules.
    #[serde(default)]
    pub headers: Named<String>,
    /// The clients' address, for a balancer's rules.
    pub source_ip: Option<String>,
    pub get: Option<String>,
    pub head: Option<String>,
    pub post: Option<String>,
    pub put: Option<String>,
    pub patch: Option<String>,
    pub delete: Option<String>,
    pub options: Option<String>,
}

fn unit() -> f64 {
    1.0
}

/// A CloudWatch alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// By the names that the expression uses.
    pub metrics: Named<AlarmMetric>,
    /// Arithmetic on the metrics, such as `errors / all`; the only metric itself if absent.
    pub expression: Option<String>,
    pub comparison_operator: Comparison,
    /// `2%` of a quotient is 0.02; of a utilisation it is 2.
    pub threshold: Level,
    #[serde(default = "minute")]
    pub period: Duration,
    #[schemars(range(min = 1))]
    pub evaluation_periods: u32,
    /// All of the evaluation periods if absent.
    #[schemars(range(min = 1))]
    pub datapoints_to_alarm: Option<u32>,
    #[serde(default)]
    pub treat_missing_data: MissingData,
}

fn minute() -> Duration {
    Duration::secs(60)
}

/// A metric of one target group, balancer or service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmMetric {
    pub metric: MetricName,
    pub stat: Stat,
    pub target_group: Option<String>,
    pub load_balancer: Option<String>,
    pub service: Option<String>,
}

/// CloudWatch's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MetricName {
    RequestCount,
    RequestCountPerTarget,
    TargetResponseTime,
    #[serde(rename = "HTTPCode_Target_2XX_Count")]
    Target2xx,
    #[serde(rename = "HTTPCode_Target_4XX_Count")]
    Target4xx,
    #[serde(rename = "HTTPCode_Target_5XX_Count")]
    Target5xx,
    HealthyHostCount,
    UnHealthyHostCount,
    #[serde(rename = "HTTPCode_ELB_5XX_Count")]
    Elb5xx,
    CPUUtilization,
    MemoryUtilization,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Stat {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    GreaterThanThreshold,
    GreaterThanOrEqualToThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    #[default]
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}

/// Something that happens at a time: `at` and one other key, and perhaps how long it lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub at: Duration,
    /// For faults; it does not end by itself if absent.
    pub lasting: Option<Duration>,
    /// New revisions by service; services in one event begin together.
    pub deploy: Option<Named<Deploy>>,
    /// New revisions in steps, each after the one before has COMPLETED.
    pub release: Option<super::Release>,
    /// New desired counts by service.
    pub set_desired_count: Option<Named<u32>>,
    /// Of the service named, the deployment that a hook of type PAUSE holds up goes on.
    pub continue_deployment: Option<String>,
    /// Of the service named, the deployment in progress is stopped and rolled back; one by CodeDeploy only if its
    /// auto-rollback says so.
    pub stop_deployment: Option<String>,
    /// Everything in the zone is unreachable.
    pub zone_outage: Option<String>,
    pub task_crash: Option<TaskCrash>,
    pub instance_loss: Option<InstanceLoss>,
    /// Standalone tasks are started.
    pub run_task: Option<RunTask>,
    pub drain_instance: Option<DrainInstance>,
    pub slow_instance: Option<SlowInstance>,
    pub added_latency: Option<AddedLatency>,
    pub dependency_slow: Option<DependencySlow>,
    /// The dependency's primary fails; its standby answers after its failover time.
    pub dependency_failover: Option<String>,
    /// Clients are moved away from a load balancer's zone, for as long as `lasting` says.
    pub zonal_shift: Option<ZonalShift>,
    pub stop_task: Option<super::StopTask>,
    pub agent_disconnect: Option<super::AgentDisconnect>,
    /// CloudWatch Logs takes no lines: containers whose log driver blocks stand still.
    pub logs_stall: Option<super::Whole>,
    /// Secrets cannot be read: tasks that need them do not start.
    pub secrets_outage: Option<super::SecretStore>,
    /// Tasks get no credentials of their execution roles.
    pub iam_outage: Option<super::Whole>,
    /// CloudWatch Logs creates no streams.
    pub logs_outage: Option<super::Whole>,
    /// The registry of images does not answer.
    pub registry_outage: Option<super::Whole>,
    /// The registry of images takes fewer calls: one for each image's manifest, one for each layer that is pulled.
    pub registry_throttled: Option<super::Throttled>,
}

/// As `StartZonalShift` does it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZonalShift {
    /// A zone.
    pub away_from: String,
    /// All that have `zonal_shift: true` if absent.
    pub load_balancer: Option<String>,
}

/// Tasks of a service exit: `count` of them at once, or each after a time between failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskCrash {
    pub service: String,
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// A plain time is the mean of an exponential distribution.
    pub time_between_failures: Option<Time>,
}

/// Instances of a group are set to DRAINING: they take no tasks any more, and service tasks on them are replaced elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainInstance {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
}

/// Instances of a group die.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceLoss {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
}

/// Instances of a group give their tasks less CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowInstance {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
    /// How many times slower.
    pub factor: Factor,
}

/// Hops take longer: all of them, or those of a zone, a service or a dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddedLatency {
    /// Each way.
    pub delay: Time,
    pub zone: Option<String>,
    pub service: Option<String>,
    pub dependency: Option<String>,
}

/// A dependency takes `factor` times as long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependencySlow {
    pub dependency: String,
    pub factor: Factor,
}
