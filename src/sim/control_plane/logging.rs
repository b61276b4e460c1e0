//! What CloudWatch Logs does to containers that write to it while they run [BC:ecs LogConfiguration.options].
//!
//! When it takes nothing, a container whose driver blocks gets no further: its server has no speed until CloudWatch is
//! back. One whose driver does not block goes on and loses lines. Every server is taken to write all the time.

use super::ControlPlane;
use crate::blueprint::Logs;
use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::signal::Order;

impl ControlPlane {
    pub fn logs_stall_begins(&mut self, cx: &mut Context<'_>) {
        self.log_stalls += 1;
        self.set_speeds_of_blocking(cx);
    }

    pub fn logs_stall_ends(&mut self, cx: &mut Context<'_>) {
        self.log_stalls -= 1;
        self.set_speeds_of_blocking(cx);
    }

    fn set_speeds_of_blocking(&self, cx: &mut Context<'_>) {
        for task in self.tasks.ids() {
            let serving = self.revision(cx, task).serving_container;
            if self.blocks(cx, task) && self.tasks[task].containers[serving].is_running() && !self.is_on_dead_host(task)
            {
                let speed = self.speed_of(cx, task);
                cx.orders.push(Order::SetSpeed { task, speed });
            }
        }
    }

    /// Whether the task's server waits for CloudWatch to take its lines.
    fn blocks(&self, cx: &Context<'_>, id: Id<Task>) -> bool {
        let serving = self.revision(cx, id).serving_container;
        self.definition(cx, id).containers[serving].logs == Some(Logs::Blocking)
    }

    /// The share of full CPU speed that the task's server has now.
    pub(super) fn speed_of(&self, cx: &Context<'_>, id: Id<Task>) -> f64 {
        let host = self.tasks[id]
            .instance
            .map_or(1.0, |instance| self.instances[instance].speed);
        if self.log_stalls > 0 && self.blocks(cx, id) {
            0.0
        } else {
            host * self.vigour(id)
        }
    }
}
