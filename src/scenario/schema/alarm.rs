//! CloudWatch alarms.

use super::{Duration, Level, Named};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A metric of one target group, balancer, service or queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmMetric {
    pub metric: MetricName,
    pub stat: Stat,
    pub target_group: Option<String>,
    pub load_balancer: Option<String>,
    pub service: Option<String>,
    pub queue: Option<String>,
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
    /// Of Container Insights.
    RunningTaskCount,
    ApproximateNumberOfMessagesVisible,
    /// In flight.
    ApproximateNumberOfMessagesNotVisible,
    ApproximateNumberOfMessagesDelayed,
    ApproximateAgeOfOldestMessage,
    NumberOfMessagesSent,
    NumberOfMessagesReceived,
    NumberOfMessagesDeleted,
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
