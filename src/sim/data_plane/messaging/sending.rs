//! Senders: a message is a call to its queue, with a time, an error and a timeout like any other.
//!
//! A sender that gives up does not take its message back: it may be in the queue, and be sent once more by a retry.

use super::super::DataPlane;
use super::super::site::To;
use super::purpose;
use crate::blueprint::QueueIx;
use crate::cluster::attempt::{Answer, Attempt, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::message::Message;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;

impl DataPlane {
    /// A message is on its way to its queue.
    pub(in super::super) fn send_message(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(key) = self.attempts.get(id).map(|attempt| attempt.key) else {
            return;
        };
        let send = &self.messaging.as_ref().expect("a message has a queue").send;
        send.schedule(cx, || key.child(purpose::SEND_MESSAGE), DataEvent::MessageSent, id);
    }

    /// A message has come to its queue, which takes it unless it fails.
    pub(in super::super) fn message_sent(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id) else {
            return;
        };
        let To::Queue(at) = self.sites[attempt.site.at()].to else {
            unreachable!("only what is sent to a queue comes to one")
        };
        let key = attempt.key;
        let written = &cx.blueprint.queues[at.at()];
        let fails =
            written.error_ratio.get() > 0.0 && key.child(purpose::QUEUE_ERROR).happens(written.error_ratio.get());
        if fails {
            return self.sender_hears(cx, id, Answer::Failure(Reason::QueueError.here()));
        }
        let due = cx.now() + written.delay;
        let message = Message::new(key.child(purpose::MESSAGE), cx.now());
        self.messaging().put(cx, at, message, due);
        self.sender_hears(cx, id, Answer::Success);
        self.feed_if_due(cx, at, due);
    }

    fn feed_if_due(&mut self, cx: &mut Context<'_>, at: QueueIx, due: crate::units::Instant) {
        if due <= cx.now() {
            self.feed(cx, at);
        }
    }

    fn sender_hears(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.trace_goes(cx, id);
            self.attempts.remove(id);
            return;
        }
        attempt.phase = Phase::Answered(answer);
        cx.follow(DataEvent::AnswerAtCaller, id);
    }
}
