//! Ctrl-C: the first starts no new run and keeps what is finished, the second ends the process at once.
//!
//! At once, save that files which are being written are finished first: results appear whole or not at all.

use super::Status;
use crate::experiment::Cancel;
use std::sync::{Mutex, MutexGuard, PoisonError};

static WRITING: Mutex<()> = Mutex::new(());

/// The wish to stop, uttered by the first Ctrl-C from now on. To be called once in a process.
pub fn watch() -> Cancel {
    let cancel = Cancel::default();
    let shared = cancel.clone();
    let heard = move || {
        if shared.requested() {
            let _whole = hold();
            std::process::exit(Status::Interrupted as i32);
        }
        shared.request();
        eprintln!("\nfinishing the runs in flight; Ctrl-C again ends at once");
    };
    // Where signals cannot be caught, Ctrl-C keeps its usual meaning.
    let _ = ctrlc::set_handler(heard);
    cancel
}

/// Until this is dropped, an interruption waits.
pub fn hold() -> MutexGuard<'static, ()> {
    // Guards nothing but a moment, so a panic elsewhere spoils nothing.
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}
