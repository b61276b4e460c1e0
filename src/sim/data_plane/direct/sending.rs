//! Attempts on their ways straight to tasks: picked, over, failed, tried again by a proxy.

use super::*;

impl DataPlane {
    /// Picks a task for an attempt of a site with [`Ways`].
    #[cold]
    #[inline(never)]
    pub(in crate::sim::data_plane) fn pick_by_ways(&mut self, id: Id<Attempt>, now: Instant) -> Picked {
        let caller = self.attempts[id].caller;
        let before = self
            .ways_rows
            .get(id)
            .filter(|_| self.attempts[id].flags.has(Flags::BY_WAYS));
        let retries = before.map_or(0, |row| row.retries);
        let asker = Asker {
            task: match caller {
                Caller::Strand(parent) => self.attempts.get(parent).and_then(|parent| parent.task),
                _ => None,
            },
            browser: caller.browser(),
            avoid: before.and_then(|row| row.avoid),
            now,
        };
        let attempt = &mut self.attempts[id];
        let To::Service {
            chooser,
            ways: Some(ways),
            ..
        } = &mut self.sites[attempt.site.at()].to
        else {
            unreachable!("only such a site's attempts come here")
        };
        let picked = ways.pick(attempt, &asker, *chooser, &self.servers);
        attempt.flags.set(Flags::BY_WAYS);
        let caller = asker.task.filter(|_| ways.plan.view == ViewScope::PerTask);
        let row = Row {
            caller,
            retries,
            avoid: attempt.task,
        };
        self.ways_rows.put(id, row);
        match picked {
            Picked::Dead if ways.gone == Gone::Unanswered => Picked::Silent,
            picked => picked,
        }
    }

    /// The view that an attempt was picked from counts it no more.
    #[cold]
    #[inline(never)]
    pub(in crate::sim::data_plane) fn ended_by_ways(&mut self, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        if !attempt.flags.has(Flags::OUTSTANDING) {
            return;
        }
        attempt.flags.clear(Flags::OUTSTANDING);
        let task = attempt.task.expect("what is outstanding is so at a task");
        let row = *self.ways_rows.get(id).expect("who was picked by ways has a row");
        if let To::Service { ways: Some(ways), .. } = &mut self.sites[attempt.site.at()].to {
            ways.ended(row, task);
        }
    }

    /// The caller is told of a failure: it remembers whose, and its proxy may try again in its place. Gives whether it does.
    #[cold]
    #[inline(never)]
    pub(in crate::sim::data_plane) fn failed_by_ways(
        &mut self,
        cx: &mut Context<'_>,
        id: Id<Attempt>,
        answer: Answer,
    ) -> bool {
        let attempt = &self.attempts[id];
        let row = *self.ways_rows.get(id).expect("who was picked by ways has a row");
        let To::Service { ways: Some(ways), .. } = &mut self.sites[attempt.site.at()].to else {
            unreachable!("only such a site's attempts are picked by ways")
        };
        if let Some(task) = attempt.task {
            ways.failed(row, task, answer, cx.now());
        }
        let Some(proxy) = &ways.plan.proxy else { return false };
        let connection = matches!(answer, Answer::Refused(_));
        if !connection || attempt.task.is_none() || row.retries >= proxy.retries {
            return false;
        }
        let key = attempt.key.child(purpose::PROXY);
        self.count_failure(id, answer);
        let next = self.same_again(id, key);
        let next = self.attempts.insert(next);
        self.keeps_course(id, next);
        if let Caller::Strand(parent) = self.attempts[next].caller
            && !self.now_calls(parent, id, next)
        {
            self.attempts.remove(next);
            return true;
        }
        if self.attempts[id].flags.has(Flags::GUARDED) {
            self.guarded_goes_on_as(id, next);
        }
        self.attempts[next].flags.set(Flags::BY_WAYS);
        let row = Row {
            retries: row.retries + 1,
            ..row
        };
        self.ways_rows.put(next, row);
        let site = self.attempts[next].site;
        self.sites[site.at()].sent.attempts[1] += 1;
        self.sends_by_ways(cx, next);
        true
    }

    /// Who gives up: the caller, or the proxy that answers in its callee's place.
    #[cold]
    pub(in crate::sim::data_plane) fn patience_of_ways(&self, id: Id<Attempt>, cause: Cause) -> Answer {
        let attempt = &self.attempts[id];
        let To::Service { ways: Some(ways), .. } = &self.sites[attempt.site.at()].to else {
            return Answer::TimedOut(cause);
        };
        let proxy = ways.plan.proxy.as_ref().and_then(|proxy| proxy.per_request_timeout);
        let patience = self.sites[attempt.site.at()].patience;
        let is_proxys = patience.is_some_and(|list| Some(self.deadlines.patience(list)) == proxy);
        if is_proxys {
            Answer::GatewayTimeout(cause)
        } else {
            Answer::TimedOut(cause)
        }
    }

    /// Tells the ways to and from a service whom discovery lists.
    pub(in crate::sim::data_plane) fn publish_to_ways(&mut self, service: ServiceIx, tasks: &[Id<Task>], now: Instant) {
        for SiteState { to, .. } in &mut self.sites {
            let To::Service { service: to, ways, .. } = to else {
                continue;
            };
            let Some(ways) = ways else { continue };
            ways.publish_callers(service, tasks, &self.servers);
            if *to == service {
                ways.publish(tasks, &self.servers, now);
            }
        }
    }
}

#[cfg(test)]
impl DataPlane {
    /// Requests that a task has in hand.
    pub fn present_at(&self, task: Id<Task>) -> u32 {
        self.servers.get(task).map_or(0, |server| server.present)
    }
}
