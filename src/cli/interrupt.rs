//! Ctrl-C: the first starts no new run and keeps what is finished, the second ends the process at once.
//!
//! Files appear whole or not at all, so ending at any moment leaves nothing half written.

use super::Status;
use crate::experiment::Cancel;

/// The wish to stop, uttered by the first Ctrl-C from now on. To be called once in a process.
pub fn watch() -> Cancel {
    let cancel = Cancel::default();
    let shared = cancel.clone();
    let heard = move || {
        if shared.requested() {
            std::process::exit(Status::Interrupted as i32);
        }
        shared.request();
        eprintln!("\nfinishing the runs in flight; Ctrl-C again ends at once");
    };
    // Where signals cannot be caught, Ctrl-C keeps its usual meaning.
    let _ = ctrlc::set_handler(heard);
    cancel
}
