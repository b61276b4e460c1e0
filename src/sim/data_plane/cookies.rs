//! Sticky sessions: where each client was last sent, and until when that holds.
//!
//! A table by browser, which grows with the visitors of journeys; only balancers and groups with stickiness have one. What a cookie names may be gone: whether it
//! can be followed is the balancer's affair.

use crate::cluster::attempt::Browser;
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub(super) struct Cookies<T> {
    duration: Span,
    /// By browser.
    given: Vec<Option<Given<T>>>,
}

#[derive(Clone, Copy, Debug)]
struct Given<T> {
    to: T,
    until: Instant,
}

impl<T: Copy> Cookies<T> {
    pub fn new(duration: Span, browsers: u32) -> Self {
        Cookies {
            duration,
            given: vec![None; browsers as usize],
        }
    }

    /// What the browser's cookie names, while it lasts.
    pub fn of(&self, browser: Browser, now: Instant) -> Option<T> {
        let given = (*self.given.get(browser.at()?)?)?;
        (now < given.until).then_some(given.to)
    }

    /// Gives the browser a cookie, or renews the one it has.
    pub fn give(&mut self, browser: Browser, to: T, now: Instant) {
        if let Some(at) = browser.at() {
            let until = now + self.duration;
            if self.given.len() <= at {
                self.given.resize(at + 1, None);
            }
            self.given[at] = Some(Given { to, until });
        }
    }

    /// The browser is given to somebody else.
    pub fn forget(&mut self, browser: Browser) {
        if let Some(given) = browser.at().and_then(|at| self.given.get_mut(at)) {
            *given = None;
        }
    }
}
