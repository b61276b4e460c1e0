//! wip
pub mod diagnostic;
mod conform;
pub mod path;
pub mod quantity;
pub mod schema;
pub mod source;
pub mod tree;
mod yaml;
