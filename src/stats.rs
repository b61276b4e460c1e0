//! Statistics of what was seen: histograms, moments, time averages, and what they let one say with confidence.
//!
//! Within a run everything that is added up is an integer or is added in the order of events. Across runs, figures are
//! folded serially in the order of the runs, so that no result depends on the number of threads.
//!
//! Deliberately not here: what is observed (`probe`), how many runs to make (`experiment`), and how a figure is
//! printed. An interval that cannot be had is said to be missing, never made up.

pub mod batch_means;
pub mod histogram;
pub mod interval;
pub mod moments;
pub mod mser;
pub mod percentile;
pub mod proportion;
pub mod student;
pub mod time_weighted;

pub use batch_means::{BatchMeans, batch_means};
pub use histogram::{LatencyHistogram, Ranked};
pub use interval::{Interval, bonferroni, mean_interval, paired_difference, ratio_interval};
pub use moments::Moments;
pub use mser::{Truncation, mean_over_runs, mser5};
pub use percentile::{Percentile, percentile};
pub use proportion::clopper_pearson;
pub use student::{t_below, t_quantile};
pub use time_weighted::TimeWeighted;
