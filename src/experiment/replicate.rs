//! Runs in parallel, folded in order.
//!
//! Workers take run indices in rising order and may be ahead of the fold by a bounded number of runs, so that memory
//! does not grow with the number of replications. Results are folded by the calling thread strictly by run index:
//! neither the number of threads nor who finishes first can reach a result. What a run does is not known here.
//!
//! Several folds may share the same threads: the last runs of one then stand beside the first of the next, and no core
//! waits for the end of either.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// How many finished runs a worker may have waiting for the fold.
const AHEAD_PER_WORKER: usize = 2;

/// A wish to stop early, shared with whoever may utter it. Runs in flight are finished, no new one is started.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    requested: Arc<AtomicBool>,
    /// A wish that holds here too.
    above: Option<Arc<AtomicBool>>,
}

impl Cancel {
    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }
    pub fn requested(&self) -> bool {
        let uttered = |wish: &AtomicBool| wish.load(Ordering::Relaxed);
        uttered(&self.requested) || self.above.as_deref().is_some_and(uttered)
    }
    /// For a part of the work: stops when this does, or by a wish of its own that does not reach here.
    pub fn child(&self) -> Cancel {
        Cancel {
            requested: Arc::default(),
            above: Some(self.requested.clone()),
        }
    }
}

/// Threads that do runs, for everything that a command has to do.
#[derive(Debug)]
pub struct Workers(rayon::ThreadPool);

impl Workers {
    pub fn new(threads: NonZeroUsize) -> Workers {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build();
        Workers(pool.expect("the system starts threads"))
    }

    pub fn count(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.0.current_num_threads()).expect("a pool has a thread")
    }
}

/// What the workers and the fold share.
struct Shared<T> {
    board: Mutex<Board<T>>,
    changed: Condvar,
    runs: usize,
    workers: usize,
}

struct Board<T> {
    /// The next index to start.
    next: usize,
    /// Runs folded so far.
    folded: usize,
    finished: BTreeMap<usize, T>,
    working: usize,
}

/// Does runs 0 to `runs`−1 on the workers and folds each, in order, on this thread, which must not be one of them.
/// Returns how many were folded: fewer than `runs` only if `cancel` was requested, and then the first ones without a gap.
///
/// A run that itself replicates is for [`conduct`].
///
/// # Panics
///
/// If a run panics: its own message comes first, then no new run is started and the panic goes on from here.
pub fn replicate<T: Send>(
    runs: usize,
    pool: &Workers,
    cancel: &Cancel,
    run: impl Fn(usize) -> T + Sync,
    fold: impl FnMut(usize, T),
) -> usize {
    let shared = Shared::new(runs, pool.count());
    pool.0.in_place_scope(|scope| {
        for _ in 0..shared.workers {
            scope.spawn(|_| shared.work(cancel, &run));
        }
        shared.fold(fold)
    })
}

/// As [`replicate`], for runs that only wait for runs of their own, which share some workers: on threads that are no
/// workers. A worker that waits for others takes up what else there is for it to do, and here that would be the next of
/// these runs, in the midst of one that nobody can then go on with.
pub fn conduct<T: Send>(
    runs: usize,
    threads: NonZeroUsize,
    cancel: &Cancel,
    run: impl Fn(usize) -> T + Sync,
    fold: impl FnMut(usize, T),
) -> usize {
    let shared = Shared::new(runs, threads);
    std::thread::scope(|scope| {
        for _ in 0..shared.workers {
            scope.spawn(|| shared.work(cancel, &run));
        }
        shared.fold(fold)
    })
}

impl<T> Shared<T> {
    fn new(runs: usize, threads: NonZeroUsize) -> Self {
        let workers = threads.get().min(runs.max(1));
        Shared {
            board: Mutex::new(Board {
                next: 0,
                folded: 0,
                finished: BTreeMap::new(),
                working: workers,
            }),
            changed: Condvar::new(),
            runs,
            workers,
        }
    }

    /// What one worker does.
    fn work(&self, cancel: &Cancel, run: &impl Fn(usize) -> T) {
        let _leaving = Leaving {
            board: &self.board,
            changed: &self.changed,
        };
        while let Some(index) = take(&self.board, &self.changed, self.runs, self.workers, cancel) {
            let result = run(index);
            lock(&self.board).finished.insert(index, result);
            self.changed.notify_all();
        }
    }

    /// Folds in order until the workers have left and nothing follows.
    fn fold(&self, mut fold: impl FnMut(usize, T)) -> usize {
        let _stopping = Stopping {
            board: &self.board,
            changed: &self.changed,
        };
        for index in 0.. {
            let mut state = lock(&self.board);
            let result = loop {
                if let Some(result) = state.finished.remove(&index) {
                    break result;
                }
                if state.working == 0 {
                    return index;
                }
                state = self.changed.wait(state).expect("no one panics while holding the board");
            };
            drop(state);
            fold(index, result);
            lock(&self.board).folded = index + 1;
            self.changed.notify_all();
        }
        unreachable!("the workers leave before the indices end")
    }
}

/// The next run to do, once the fold is near enough; `None` when there is nothing left to start.
fn take<T>(board: &Mutex<Board<T>>, changed: &Condvar, runs: usize, workers: usize, cancel: &Cancel) -> Option<usize> {
    let mut state = lock(board);
    loop {
        if state.next >= runs || cancel.requested() {
            return None;
        }
        if state.next < state.folded + AHEAD_PER_WORKER * workers {
            state.next += 1;
            return Some(state.next - 1);
        }
        state = changed.wait(state).expect("no one panics while holding the board");
    }
}

fn lock<T>(board: &Mutex<Board<T>>) -> std::sync::MutexGuard<'_, Board<T>> {
    board.lock().expect("no one panics while holding the board")
}

/// Starts no more runs once the fold is over, also when it panics, so that no worker waits for it.
struct Stopping<'a, T> {
    board: &'a Mutex<Board<T>>,
    changed: &'a Condvar,
}

impl<T> Drop for Stopping<'_, T> {
    fn drop(&mut self) {
        lock(self.board).next = usize::MAX;
        self.changed.notify_all();
    }
}

/// Signs a worker off, also when its run panics, so that nobody waits for it. A panic stops the others too.
struct Leaving<'a, T> {
    board: &'a Mutex<Board<T>>,
    changed: &'a Condvar,
}

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        let mut state = lock(self.board);
        state.working -= 1;
        if std::thread::panicking() {
            state.next = usize::MAX;
        }
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn workers(count: usize) -> Workers {
        Workers::new(NonZeroUsize::new(count).expect("a test asks for at least one"))
    }

    /// Work that takes longer for early indices, so that later ones tend to finish first.
    fn slow_start(index: usize) -> usize {
        std::thread::sleep(std::time::Duration::from_millis(if index.is_multiple_of(4) {
            8
        } else {
            1
        }));
        index * index
    }

    #[test]
    fn results_are_folded_in_order_on_any_number_of_threads() {
        for count in [1, 2, 5, 40] {
            let mut seen = Vec::new();
            let folded = replicate(25, &workers(count), &Cancel::default(), slow_start, |at, value| {
                seen.push((at, value))
            });
            assert_eq!(folded, 25);
            assert_eq!(seen, (0..25).map(|at| (at, at * at)).collect::<Vec<_>>());
        }
    }

    /// Three hundred at a time of two: if one of them were taken up while another waits, it would hold that one up until
    /// there is no room ahead of the fold, and all would wait for ever.
    #[test]
    fn runs_that_replicate_do_not_wait_for_each_other() {
        let (workers, cancel) = (workers(2), Cancel::default());
        let one = |at: usize| {
            let mut sum = 0;
            replicate(3, &workers, &cancel, |index| at * index, |_, product| sum += product);
            sum
        };
        let mut sums = Vec::new();
        let two = NonZeroUsize::new(2).expect("it is");
        let folded = conduct(300, two, &cancel, one, |_, sum| sums.push(sum));
        assert_eq!((folded, sums), (300, (0..300).map(|at| 3 * at).collect()));
    }

    #[test]
    fn no_runs_are_no_work() {
        let folded = replicate(0, &workers(3), &Cancel::default(), slow_start, |_, _| {
            panic!("nothing to fold")
        });
        assert_eq!(folded, 0);
    }

    #[test]
    fn workers_wait_for_a_slow_fold() {
        let started = AtomicUsize::new(0);
        let run = |_| started.fetch_add(1, Ordering::SeqCst);
        replicate(30, &workers(2), &Cancel::default(), run, |index, _| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            let ahead = started.load(Ordering::SeqCst) - index;
            assert!(ahead <= 2 * AHEAD_PER_WORKER, "{ahead} runs were held at {index}");
        });
    }

    #[test]
    fn cancelling_keeps_a_prefix_of_finished_runs() {
        let cancel = Cancel::default();
        let run = |index| {
            if index == 6 {
                cancel.request();
            }
            slow_start(index)
        };
        let mut seen = Vec::new();
        let folded = replicate(1000, &workers(2), &cancel, run, |at, _| seen.push(at));
        // Run 6 itself is finished; beside it at most what was in flight.
        assert!(
            (7..=7 + 2 * AHEAD_PER_WORKER).contains(&folded),
            "{folded} runs were folded"
        );
        assert_eq!(seen, (0..folded).collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "a full disk")]
    fn a_panic_in_the_fold_ends_everything() {
        replicate(1000, &workers(2), &Cancel::default(), slow_start, |_, _| {
            panic!("a full disk")
        });
    }

    #[test]
    #[should_panic(expected = "a broken invariant")]
    fn a_panic_in_a_run_ends_everything() {
        let run = |index| {
            if index == 3 {
                panic!("a broken invariant")
            } else {
                slow_start(index)
            }
        };
        replicate(1000, &workers(2), &Cancel::default(), run, |_, _| {});
    }
}
