//! Lays programs out as flat lists of steps: what a step chooses among or repeats follows it, with jumps around.

use super::super::join::{Race, race_number};
use super::super::network::Delay;
use super::super::purpose;
use super::{Steer, Step, What};
use crate::blueprint::{Blueprint, CacheIx, Choice, ProgramIx, Step as Written};
use crate::engine::calendar::Calendar;
use crate::engine::count::Count;
use crate::engine::dist::{Law, Tables};
use crate::engine::random::Purpose;
use crate::sim::event::Event;

/// The steps of all programs, and where each program begins, with one past the last.
pub(super) fn compile(
    blueprint: &Blueprint,
    steer_by_request: bool,
    calendar: &mut Calendar<Event>,
    tables: &mut Tables,
) -> (Vec<Step>, Vec<(u32, u32)>) {
    let mut compiler = Compiler {
        blueprint,
        calendar,
        tables,
        steer_by_request,
        steps: Vec::new(),
        start: 0,
    };
    let mut bounds = Vec::with_capacity(blueprint.programs.len());
    for at in 0..blueprint.programs.len() {
        compiler.start = compiler.steps.len();
        compiler.program(ProgramIx::from_usize(at), Depth::default());
        assert!(
            compiler.steps.len() - compiler.start < usize::from(u16::MAX),
            "a program has fewer than 65,535 steps"
        );
        bounds.push((compiler.start as u32, compiler.steps.len() as u32));
    }
    (compiler.steps, bounds)
}

/// Loops and caches that a step stands in.
#[derive(Clone, Copy, Default)]
struct Depth {
    loops: u8,
    caches: u8,
}

struct Compiler<'a, 'c> {
    blueprint: &'a Blueprint,
    calendar: &'c mut Calendar<Event>,
    tables: &'c mut Tables,
    steer_by_request: bool,
    steps: Vec<Step>,
    /// First step of the program that is laid out.
    start: usize,
}

impl Compiler<'_, '_> {
    /// The next step's number in its program.
    fn here(&self) -> u16 {
        (self.steps.len() - self.start) as u16
    }

    fn push(&mut self, what: What) {
        let purpose = Purpose::new(purpose::STEP + u64::from(self.here()));
        self.steps.push(Step { what, purpose });
    }

    /// Lays out a program within so many loops and caches.
    fn program(&mut self, program: ProgramIx, depth: Depth) {
        let blueprint = self.blueprint;
        for (at, step) in blueprint.programs[program.at()].steps.iter().enumerate() {
            match step {
                Written::Cpu(dist) => {
                    let law = Law::compile(dist, self.tables);
                    self.push(What::Cpu(law));
                }
                Written::Wait(dist) => {
                    let delay = Delay::compile(dist, self.calendar, self.tables);
                    self.push(What::Wait(delay));
                }
                Written::Call(call) if self.steer_by_request => self.push(What::CallOnCourse(*call)),
                Written::Call(call) => self.push(What::Call(*call)),
                Written::Fallback(program) => self.fallback(*program, depth),
                Written::Parallel(parallel) if parallel.is_plain() => {
                    self.push(What::Parallel(parallel.branches.clone().into()));
                }
                Written::Parallel(parallel) => {
                    let race = Race::new(parallel, race_number(blueprint, program, at), self.calendar);
                    self.push(What::Race(Box::new(race)));
                }
                Written::Choose(choices) => self.choose(choices, depth),
                Written::Repeat { times, program } => self.repeat(*times, *program, depth),
                Written::Cache { cache, hit, miss, .. } => self.cache(*cache, (*hit, *miss), depth),
                Written::Optional(program) => self.optional(*program, depth),
                Written::Fail { share, status } => self.steer(Steer::Fail {
                    share: share.get(),
                    status: *status,
                }),
            }
        }
    }

    /// Stands behind its call and a jump around it: who fails steps over the jump.
    fn fallback(&mut self, program: ProgramIx, depth: Depth) {
        let jump = self.steps.len();
        self.steer(Steer::Jump(0));
        self.program(program, depth);
        let after = self.here();
        self.steps[jump].what = What::Steer(Box::new(Steer::Jump(after)));
    }

    fn optional(&mut self, program: ProgramIx, depth: Depth) {
        let look = self.steps.len();
        self.steer(Steer::Jump(0));
        self.program(program, depth);
        let after = self.here();
        self.steps[look].what = What::Steer(Box::new(Steer::Optional { after }));
    }

    fn steer(&mut self, steer: Steer) {
        self.push(What::Steer(Box::new(steer)));
    }

    fn choose(&mut self, choices: &[Choice], depth: Depth) {
        let choose = self.steps.len();
        self.steer(Steer::Jump(0));
        let (mut cumulative, mut to, mut jumps) = (Vec::new(), Vec::new(), Vec::new());
        let mut sum = 0.0;
        // What is never chosen is left out, so that the last one's probability rounded up is somebody's.
        for choice in choices.iter().filter(|choice| choice.share > 0.0) {
            sum += choice.share;
            cumulative.push(sum);
            to.push(self.here());
            self.program(choice.program, depth);
            jumps.push(self.steps.len());
            self.steer(Steer::Jump(0));
        }
        *cumulative.last_mut().expect("one of the choices has a weight") = 1.0;
        let after = self.here();
        for jump in jumps {
            self.steps[jump].what = What::Steer(Box::new(Steer::Jump(after)));
        }
        self.steps[choose].what = What::Steer(Box::new(Steer::Choose {
            cumulative: cumulative.into(),
            to: to.into(),
        }));
    }

    fn cache(&mut self, cache: CacheIx, (hit, miss): (ProgramIx, ProgramIx), depth: Depth) {
        if let Some(latency) = &self.blueprint.caches[cache.at()].latency {
            let delay = Delay::compile(latency, self.calendar, self.tables);
            self.push(What::Wait(delay));
        }
        let look = self.steps.len();
        self.steer(Steer::Jump(0));
        let inside = Depth {
            caches: depth.caches + 1,
            ..depth
        };
        let depth_of = depth.caches;
        self.program(miss, inside);
        self.steer(Steer::Fill { depth: depth_of });
        let jump = self.steps.len();
        self.steer(Steer::Jump(0));
        let first_of_hit = self.here();
        self.program(hit, depth);
        let after = self.here();
        self.steps[jump].what = What::Steer(Box::new(Steer::Jump(after)));
        self.steps[look].what = What::Steer(Box::new(Steer::Look {
            cache,
            depth: depth_of,
            hit: first_of_hit,
            after,
        }));
    }

    fn repeat(&mut self, times: Count, program: ProgramIx, depth: Depth) {
        let repeat = self.steps.len();
        self.steer(Steer::Jump(0));
        let first = self.here();
        let inside = Depth {
            loops: depth.loops + 1,
            ..depth
        };
        let depth = depth.loops;
        self.program(program, inside);
        self.steer(Steer::Again { depth, first });
        let after = self.here();
        self.steps[repeat].what = What::Steer(Box::new(Steer::Repeat { depth, times, after }));
    }
}
