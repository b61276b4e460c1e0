//! The alarms that watch.

use super::{LoadBalancerIx, QueueIx, ServiceIx, TargetGroupIx};
use crate::units::Span;

#[derive(Clone, Debug)]
pub struct Alarm {
    pub name: String,
    pub metrics: Vec<AlarmMetric>,
    /// Over positions in `metrics`.
    pub expression: Expression,
    pub comparison: Comparison,
    pub threshold: f64,
    /// A multiple of 60 s.
    pub period: Span,
    pub evaluation_periods: u32,
    pub datapoints_to_alarm: u32,
    pub missing: MissingData,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlarmMetric {
    pub id: String,
    pub metric: Metric,
    pub stat: Stat,
}

/// CloudWatch's names; published once a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    RequestCount(TargetGroupIx),
    RequestCountPerTarget(TargetGroupIx),
    TargetResponseTime(TargetGroupIx),
    Target2xx(TargetGroupIx),
    Target4xx(TargetGroupIx),
    Target5xx(TargetGroupIx),
    HealthyHostCount(TargetGroupIx),
    UnhealthyHostCount(TargetGroupIx),
    /// Codes the balancer made itself.
    Elb5xx(LoadBalancerIx),
    CpuUtilization(ServiceIx),
    MemoryUtilization(ServiceIx),
    /// Of Container Insights.
    RunningTaskCount(ServiceIx),
    Queue(QueueIx, QueueMetric),
}

/// Metrics of SQS, by what stands behind `ApproximateNumberOf` or `NumberOf` in their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueMetric {
    MessagesVisible,
    MessagesNotVisible,
    MessagesDelayed,
    /// In seconds.
    AgeOfOldestMessage,
    MessagesSent,
    MessagesReceived,
    MessagesDeleted,
}

/// Arithmetic on metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricMath {
    pub metrics: Vec<AlarmMetric>,
    /// Over positions in `metrics`.
    pub expression: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
}

/// Metric arithmetic; a datapoint that divides by zero or misses an operand is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Metric(usize),
    Number(f64),
    Add(Box<Expression>, Box<Expression>),
    Subtract(Box<Expression>, Box<Expression>),
    Multiply(Box<Expression>, Box<Expression>),
    Divide(Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingData {
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}
