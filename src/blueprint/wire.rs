//! What goes over the wire: sizes of messages, connections that callers keep, and what bounds their transfer.
//!
//! Few senders say anything of this, so it stands apart from them: lists of those that do.

use super::{CallIx, ClassIx, ServiceIx, TrafficIx};
use crate::engine::dist::Dist;
use crate::units::Span;

#[derive(Clone, Debug, Default)]
pub struct Wires {
    /// Bytes a second of each client's own line; `None`: no bound.
    pub client_bandwidth: Option<f64>,
    /// Bytes a second of a Fargate task's interface, for each vCPU.
    pub fargate_bandwidth: f64,
    pub calls: Vec<(CallIx, Wire)>,
    pub traffic: Vec<(TrafficIx, Connections)>,
    pub classes: Vec<(ClassIx, Payload)>,
    /// CPU seconds that a new connection to a task takes.
    pub connection_cpu: Vec<(ServiceIx, Dist)>,
}

impl Wires {
    /// Whether messages are anything but small, on connections that are always there.
    pub fn matter(&self) -> bool {
        !(self.calls.is_empty() && self.traffic.is_empty() && self.classes.is_empty())
    }
}

/// Of one call.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    pub payload: Payload,
    pub connections: Option<Connections>,
}

/// In bytes; `None`: too small to matter.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    pub request: Option<Dist>,
    pub response: Option<Dist>,
}

/// Connections that a sender opens and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// An idle one is kept for so long.
    pub keep_alive: Span,
    /// Before the first request: one for TCP, and those of TLS [RFC 8446, RFC 5246].
    pub round_trips: u32,
    /// At most, before one is opened in place of one that the other side has closed.
    pub reconnect_jitter: Span,
}
