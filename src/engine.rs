//! The kernel: a calendar of events, arenas of records, keyed random draws and the laws they are drawn from.
//!
//! The kernel has no word of clusters. Everything it offers is a plain value owned by one run: no clock of the machine,
//! no global generator, nothing shared, so that equal runs give equal bytes on any machine and thread.
//!
//! Deliberately not here: what an event means (the `sim` floor dispatches), what is measured (`stats`), and a queue
//! that can cancel. An event whose record is gone returns on its first line; a thing that moves is a timer.

pub mod arena;
pub mod calendar;
pub mod count;

pub mod dist;
pub mod popularity;
pub mod random;

pub use arena::{Arena, Id, RawId};
pub use calendar::{Calendar, LaneId, TimerId};

pub use dist::{Dist, DistError, Law, Tables};
pub use random::{Cursor, Key, Purpose};
