//! Courses: where a strand goes on in its program, by what belongs to the request.
//!
//! What a request chooses, and how often it goes round, must not change because somebody tried again. So these draws
//! are keyed by the request's call path (from the client's request down through the steps that call, without any
//! number of attempts), while the durations of steps belong to the attempt. A client's request is its own call path;
//! below it the path is kept in a row beside the attempt, and only in scenarios whose programs turn by it.

use super::brown_out::leaves_out;
use super::cache::{Found, Landing, Look, Miss, Waiter};
use super::program::{Steer, What};
use super::strand::leave_loop;
use super::{DataPlane, purpose};
use crate::blueprint::{CallIx, Program};
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Answer, Attempt, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::units::Span;

#[derive(Default)]
pub(super) struct Courses {
    rows: Aside<Attempt, Course>,
}

/// Where one strand is.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// Of the request's call path, in the present turn of all loops.
    path: Key,
    /// CPU time that it has been given, and that of its branches which have ended.
    spent: Span,
    /// By depth.
    loops: [Turns; Program::MAX_LOOPS],
    /// What it has missed and is about to fetch, by depth.
    misses: [Option<Miss>; Program::MAX_CACHES],
}

/// A loop under way.
#[derive(Clone, Copy, Debug)]
struct Turns {
    /// Where it begins.
    step: u16,
    /// Keys of path and attempt outside the loop.
    outside: (Key, Key),
    /// Which turn this is, from 0.
    turn: u32,
    /// Turns that follow it.
    left: u32,
}

impl Course {
    fn new(path: Key, spent: Span) -> Self {
        let nowhere = Turns {
            step: 0,
            outside: (path, path),
            turn: 0,
            left: 0,
        };
        Course {
            path,
            spent,
            loops: [nowhere; Program::MAX_LOOPS],
            misses: [None; Program::MAX_CACHES],
        }
    }
}

impl Courses {
    /// The key of a strand's call path.
    pub fn path(&self, attempt: &Attempt, id: Id<Attempt>) -> Key {
        match self.rows.get(id) {
            Some(course) if attempt.flags.has(Flags::HAS_COURSE) => course.path,
            _ => attempt.request_key,
        }
    }

    /// From now on the attempt has a row; gives the key of its call path. `spent` so far.
    pub fn begin_if_new(
        &mut self,
        id: Id<Attempt>,
        attempt: &mut Attempt,
        spent: impl FnOnce(&Attempt) -> Span,
    ) -> Key {
        if !attempt.flags.has(Flags::HAS_COURSE) {
            let path = attempt.request_key;
            let spent = spent(attempt);
            self.begin(id, attempt, path, spent);
        }
        self.rows.get(id).expect("it has a course").path
    }

    /// From now on the attempt has a row, with this call path.
    pub fn begin(&mut self, id: Id<Attempt>, attempt: &mut Attempt, path: Key, spent: Span) {
        self.rows.put(id, Course::new(path, spent));
        attempt.flags.set(Flags::HAS_COURSE);
    }

    /// CPU time that the strand has been given, if that is known here.
    pub fn spent(&self, id: Id<Attempt>) -> Option<Span> {
        self.rows.get(id).map(|course| course.spent)
    }

    /// What a branch has been given counts as its strand's.
    pub fn add_work(&mut self, branch: Id<Attempt>, strand: Id<Attempt>) {
        if let Some(spent) = self.spent(branch)
            && let Some(course) = self.rows.get_mut(strand)
        {
            course.spent += spent;
        }
    }
}

/// A strand with a course is given CPU time.
#[cold]
#[inline(never)]
pub(super) fn count_work(courses: &mut Option<Box<Courses>>, id: Id<Attempt>, work: Span) {
    if let Some(course) = courses.as_mut().and_then(|courses| courses.rows.get_mut(id)) {
        course.spent += work;
    }
}

impl Courses {
    /// What a strand was about to fetch at a depth.
    pub fn take_miss(&mut self, id: Id<Attempt>, depth: usize) -> Option<Miss> {
        self.rows.get_mut(id)?.misses[depth].take()
    }

    pub fn set_miss(&mut self, id: Id<Attempt>, depth: u8, miss: Miss) {
        let course = self.rows.get_mut(id).expect("who waits for a cache has a course");
        course.misses[usize::from(depth)] = Some(miss);
    }
}

impl DataPlane {
    /// A strand makes a call, which is to be sent and knows the way it came.
    #[inline(never)]
    pub(super) fn call_on_course(&mut self, parent: Id<Attempt>, call: CallIx) -> Id<Attempt> {
        let courses = self.courses.as_ref().expect("programs steer");
        let attempt = &self.attempts[parent];
        let step = purpose::STEP + u64::from(attempt.step);
        let path = courses.path(attempt, parent).child(step);
        let path = path.child(purpose::CALL + u64::from(call.0));
        let child = self.call(parent, call);
        let courses = self.courses.as_mut().expect("programs steer");
        courses.begin(child, &mut self.attempts[child], path, Span::ZERO);
        child
    }

    /// Another attempt at the same call comes the same way.
    #[inline]
    pub(super) fn keeps_course(&mut self, from: Id<Attempt>, to: Id<Attempt>) {
        if self.courses.is_some() {
            self.keeps_way(from, to);
        }
    }

    #[cold]
    fn keeps_way(&mut self, from: Id<Attempt>, to: Id<Attempt>) {
        let courses = self.courses.as_mut().expect("programs steer");
        if let Some(way) = courses.rows.get(from).map(|course| course.path)
            && self.attempts[from].flags.has(Flags::HAS_COURSE)
        {
            courses.begin(to, &mut self.attempts[to], way, Span::ZERO);
        }
    }

    /// Goes through steps that take no time, up to one that does or to the end.
    #[inline(never)]
    pub(super) fn steer(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Ready;
        if let Some(courses) = &mut self.courses {
            let factor = self.operations.row(attempt.served).cpu_factor;
            courses.begin_if_new(id, attempt, |attempt| self.programs.cpu_spent(attempt, factor));
        }
        while let Some(step) = self.programs.step(attempt.program, attempt.step)
            && let What::Steer(steer) = &step.what
        {
            let here = attempt.step;
            let number = purpose::STEP + u64::from(here);
            match **steer {
                Steer::Jump(to) => attempt.step = to,
                Steer::Choose { ref cumulative, ref to } => {
                    let courses = self.courses.as_ref().expect("a choice is a turn by the request");
                    let path = courses.path(attempt, id);
                    let uniform = path.child(number).child(purpose::CHOICE).uniform();
                    attempt.step = to[cumulative.partition_point(|sum| *sum <= uniform)];
                }
                Steer::Repeat { depth, times, after } => {
                    let courses = self.courses.as_mut().expect("a loop is a turn by the request");
                    let path = courses.path(attempt, id);
                    let times = times.draw(path.child(number).child(purpose::TIMES));
                    if times == 0 {
                        attempt.step = after;
                        continue;
                    }
                    let course = courses.rows.get_mut(id).expect("it has a course");
                    course.loops[usize::from(depth)] = Turns {
                        step: here,
                        outside: (path, attempt.key),
                        turn: 0,
                        left: times - 1,
                    };
                    attempt.step = here + 1;
                    course.takes_turn(attempt, depth);
                }
                Steer::Again { depth, first } => {
                    let courses = self.courses.as_mut().expect("a loop is a turn by the request");
                    let course = courses.rows.get_mut(id).expect("a loop keeps its course");
                    let turns = &mut course.loops[usize::from(depth)];
                    if turns.left == 0 {
                        (course.path, attempt.key) = turns.outside;
                        attempt.step = here + 1;
                    } else {
                        turns.turn += 1;
                        turns.left -= 1;
                        attempt.step = first;
                        course.takes_turn(attempt, depth);
                    }
                }
                Steer::Look {
                    cache,
                    depth,
                    hit,
                    after,
                } => {
                    let courses = self.courses.as_mut().expect("a look is a turn by the request");
                    let course = courses.rows.get_mut(id).expect("it has a course");
                    let caches = self.caches.as_mut().expect("there is a cache to look into");
                    let look = Look {
                        cache,
                        task: attempt.task.expect("a strand runs on a task"),
                        key: course.path.child(number),
                        who: Waiter { id, depth, after },
                    };
                    match caches.look(cx, look) {
                        Found::Hit => attempt.step = hit,
                        Found::Miss(miss) => {
                            course.misses[usize::from(depth)] = Some(miss);
                            attempt.step = here + 1;
                        }
                        Found::Awaited => {
                            attempt.step = here + 1;
                            attempt.phase = Phase::Waiting;
                            return leave_loop(&mut self.servers, &mut self.attempts, cx, id);
                        }
                    }
                }
                Steer::Fill { depth } => {
                    let courses = self.courses.as_mut().expect("a fill is a turn by the request");
                    let course = courses.rows.get_mut(id).expect("it has a course");
                    attempt.step = here + 1;
                    if let Some(miss) = course.misses[usize::from(depth)].take() {
                        let caches = self.caches.as_mut().expect("there is a cache to fill");
                        caches.fill(cx, miss);
                        if miss.flight.is_some() {
                            self.flight_lands(cx, miss, Landing::Filled);
                        }
                        break;
                    }
                }
                Steer::Optional { after } => {
                    let is_left_out = leaves_out(&mut self.servers, attempt, number, cx.now());
                    attempt.step = if is_left_out { after } else { here + 1 };
                }
                Steer::Fail { share, status } => {
                    if share == 1.0 || attempt.key.child(number).child(purpose::FAIL).happens(share) {
                        self.misses_end(cx, id, Some(Reason::OwnError.here()));
                        return self.strand_over(cx, id, Answer::Error(status));
                    }
                    attempt.step = here + 1;
                }
            }
        }
        cx.follow(DataEvent::GoOn, id);
    }
}

impl Course {
    /// Each turn of a loop has draws of its own.
    fn takes_turn(&mut self, attempt: &mut Attempt, depth: u8) {
        let turns = &self.loops[usize::from(depth)];
        let (path, key) = turns.outside;
        let turn = |key: Key| {
            key.child(purpose::STEP + u64::from(turns.step))
                .child(purpose::TURN)
                .child(u64::from(turns.turn))
        };
        self.path = turn(path);
        attempt.key = turn(key);
    }
}
