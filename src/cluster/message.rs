//! Messages of a queue: which can be received, which are delayed, and which are in flight.
//!
//! A message stands in two lists that are threaded through the messages themselves: one of its queue by where it is, and
//! one of its queue by age. Because every message of a queue is delayed equally long, and hidden equally long when it
//! is received, each list by place is in order of when its messages are due. So the head of a list is the next to move,
//! and one timer for each queue is enough.
//!
//! Who receives, and what becomes of it, is not here.

use crate::engine::arena::{Arena, Id};
use crate::engine::random::Key;
use crate::units::{Instant, Span};

/// "No slot" in the lists, whose links are arena slots.
const NO_SLOT: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Message {
    /// Of what is drawn for it.
    pub key: Key,
    /// When it was first put into a queue: its retention counts from here, in a dead-letter queue too [SQS:DLQ].
    pub sent: Instant,
    /// When it came into the queue that it is in.
    pub arrived: Instant,
    /// How often it has been received from that queue. The number of the newest receipt.
    pub receives: u32,
    /// When it can be received (again).
    due: Instant,
    place: Place,
    by_place: Links,
    by_age: Links,
}

const _: () = assert!(
    size_of::<Option<Message>>() <= 72,
    "a backlog holds one of these for each message"
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Delayed,
    Visible,
    /// Received, and neither deleted nor visible again.
    InFlight,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    previous: u32,
    next: u32,
}

const LOOSE: Links = Links {
    previous: NO_SLOT,
    next: NO_SLOT,
};

impl Message {
    /// One that is put into a queue now for the first time.
    pub fn new(key: Key, now: Instant) -> Message {
        Message {
            key,
            sent: now,
            arrived: now,
            receives: 0,
            due: now,
            place: Place::Visible,
            by_place: LOOSE,
            by_age: LOOSE,
        }
    }

    /// The same as it comes to the dead letters: not yet received there, and as old as it is.
    pub fn dead_letter(&self, now: Instant) -> Message {
        Message {
            sent: self.sent,
            ..Message::new(self.key, now)
        }
    }
}

/// Which of a message's links a list is threaded through.
#[derive(Clone, Copy)]
enum Thread {
    Place,
    Age,
}

impl Message {
    fn links(&mut self, thread: Thread) -> &mut Links {
        match thread {
            Thread::Place => &mut self.by_place,
            Thread::Age => &mut self.by_age,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Line {
    head: u32,
    tail: u32,
    len: u64,
}

impl Line {
    const EMPTY: Line = Line {
        head: NO_SLOT,
        tail: NO_SLOT,
        len: 0,
    };

    /// Puts a message behind another one; behind nobody is at the head.
    fn insert(&mut self, messages: &mut Arena<Message>, thread: Thread, id: Id<Message>, previous: u32) {
        let next = match previous {
            NO_SLOT => std::mem::replace(&mut self.head, id.index()),
            previous => std::mem::replace(&mut record(messages, previous).links(thread).next, id.index()),
        };
        match next {
            NO_SLOT => self.tail = id.index(),
            next => record(messages, next).links(thread).previous = id.index(),
        }
        *messages[id].links(thread) = Links { previous, next };
        self.len += 1;
    }

    fn remove(&mut self, messages: &mut Arena<Message>, thread: Thread, id: Id<Message>) {
        let Links { previous, next } = std::mem::replace(messages[id].links(thread), LOOSE);
        match previous {
            NO_SLOT => self.head = next,
            previous => record(messages, previous).links(thread).next = next,
        }
        match next {
            NO_SLOT => self.tail = previous,
            next => record(messages, next).links(thread).previous = previous,
        }
        self.len -= 1;
    }
}

fn record(messages: &mut Arena<Message>, slot: u32) -> &mut Message {
    messages.in_slot_mut(slot).expect("what is in a list is not freed")
}

/// The messages of one queue.
#[derive(Clone, Debug)]
pub struct MessageLists {
    delayed: Line,
    visible: Line,
    in_flight: Line,
    by_age: Line,
}

impl Default for MessageLists {
    fn default() -> Self {
        MessageLists {
            delayed: Line::EMPTY,
            visible: Line::EMPTY,
            in_flight: Line::EMPTY,
            by_age: Line::EMPTY,
        }
    }
}

impl MessageLists {
    pub fn len(&self, place: Place) -> u64 {
        match place {
            Place::Delayed => self.delayed.len,
            Place::Visible => self.visible.len,
            Place::InFlight => self.in_flight.len,
        }
    }

    /// Wherever they are.
    pub fn total(&self) -> u64 {
        self.by_age.len
    }

    fn line(&mut self, place: Place) -> &mut Line {
        match place {
            Place::Delayed => &mut self.delayed,
            Place::Visible => &mut self.visible,
            Place::InFlight => &mut self.in_flight,
        }
    }

    fn append(&mut self, messages: &mut Arena<Message>, id: Id<Message>, place: Place, due: Instant) {
        let message = &mut messages[id];
        (message.place, message.due) = (place, due);
        let line = self.line(place);
        let tail = line.tail;
        line.insert(messages, Thread::Place, id, tail);
    }

    /// A message comes into the queue, to be received from `due` on.
    pub fn put(&mut self, messages: &mut Arena<Message>, message: Message, now: Instant, due: Instant) -> Id<Message> {
        let sent = message.sent;
        let id = messages.insert(message);
        // A dead letter is older than what came before it; anything else is the youngest.
        let mut previous = self.by_age.tail;
        while previous != NO_SLOT && record(messages, previous).sent > sent {
            previous = record(messages, previous).by_age.previous;
        }
        self.by_age.insert(messages, Thread::Age, id, previous);
        let place = if due > now { Place::Delayed } else { Place::Visible };
        self.append(messages, id, place, due);
        id
    }

    /// Whose turn it is to be received.
    pub fn next_visible(&self, messages: &Arena<Message>) -> Option<Id<Message>> {
        match self.visible.head {
            NO_SLOT => None,
            head => messages.id_at(head),
        }
    }

    /// A message is received, and hidden until `due`. Gives the number of its receipt.
    pub fn receive(&mut self, messages: &mut Arena<Message>, id: Id<Message>, due: Instant) -> u32 {
        assert!(messages[id].place == Place::Visible, "only what is visible is received");
        self.visible.remove(messages, Thread::Place, id);
        self.append(messages, id, Place::InFlight, due);
        messages[id].receives += 1;
        messages[id].receives
    }

    /// A message leaves the queue, wherever it is.
    pub fn remove(&mut self, messages: &mut Arena<Message>, id: Id<Message>) -> Message {
        let place = messages[id].place;
        self.line(place).remove(messages, Thread::Place, id);
        self.by_age.remove(messages, Thread::Age, id);
        messages.remove(id).expect("it was just there")
    }

    /// What is due becomes visible, behind what is visible already.
    pub fn show_due(&mut self, messages: &mut Arena<Message>, now: Instant) {
        for place in [Place::InFlight, Place::Delayed] {
            loop {
                let head = self.line(place).head;
                let Some(id) = messages.id_at(head).filter(|id| messages[*id].due <= now) else {
                    break;
                };
                self.line(place).remove(messages, Thread::Place, id);
                self.append(messages, id, Place::Visible, now);
            }
        }
    }

    /// The oldest message, if it is as old as that.
    pub fn expired(&self, messages: &Arena<Message>, now: Instant, retention: Span) -> Option<Id<Message>> {
        let oldest = messages.id_at(self.by_age.head)?;
        (messages[oldest].sent + retention <= now).then_some(oldest)
    }

    /// When the next message becomes visible or expires.
    pub fn next_due(&self, messages: &Arena<Message>, retention: Span) -> Instant {
        let head = |line: &Line| messages.id_at(line.head).map(|id| &messages[id]);
        let due = |line| head(line).map_or(Instant::NEVER, |message| message.due);
        let expires = head(&self.by_age).map_or(Instant::NEVER, |message| message.sent + retention);
        due(&self.delayed).min(due(&self.in_flight)).min(expires)
    }

    /// Since when the oldest message is here that has not been received more than `most` times; the others are passed over.
    pub fn oldest_arrival(&self, messages: &Arena<Message>, most: u32) -> Option<Instant> {
        let mut slot = self.by_age.head;
        while let Some(id) = messages.id_at(slot) {
            let message = &messages[id];
            if message.receives <= most {
                return Some(message.arrived);
            }
            slot = message.by_age.next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Span::from_secs(seconds)
    }

    fn message(seconds: u64) -> Message {
        Message::new(Key::root(1, 2, 3), at(seconds))
    }

    #[test]
    fn messages_are_received_in_the_order_in_which_they_became_visible() {
        let (mut arena, mut lists) = (Arena::new(), MessageLists::default());
        let first = lists.put(&mut arena, message(0), at(0), at(0));
        let second = lists.put(&mut arena, message(1), at(1), at(1));
        let delayed = lists.put(&mut arena, message(2), at(2), at(9));
        assert_eq!(lists.next_visible(&arena), Some(first));
        assert_eq!(lists.receive(&mut arena, first, at(8)), 1);
        assert_eq!(lists.next_visible(&arena), Some(second));
        assert_eq!(lists.next_due(&arena, Span::from_secs(60)), at(8));
        lists.show_due(&mut arena, at(9));
        let mut order = vec![];
        while let Some(id) = lists.next_visible(&arena) {
            lists.receive(&mut arena, id, at(99));
            order.push(id);
        }
        assert_eq!(order, [second, first, delayed]);
        assert_eq!(arena[first].receives, 2);
        assert_eq!((lists.len(Place::InFlight), lists.len(Place::Visible)), (3, 0));
    }

    #[test]
    fn the_oldest_expires_first_whatever_came_last() {
        let (mut arena, mut lists) = (Arena::new(), MessageLists::default());
        lists.put(&mut arena, message(5), at(5), at(5));
        let dead = lists.put(&mut arena, message(1), at(6), at(6));
        let retention = Span::from_secs(60);
        assert_eq!(lists.next_due(&arena, retention), at(61));
        assert_eq!(lists.expired(&arena, at(60), retention), None);
        assert_eq!(lists.expired(&arena, at(61), retention), Some(dead));
        lists.remove(&mut arena, dead);
        assert_eq!(lists.next_due(&arena, retention), at(65));
        assert_eq!((lists.total(), arena.len()), (1, 1));
    }

    #[test]
    fn a_message_that_nobody_can_handle_does_not_make_the_queue_look_old() {
        let (mut arena, mut lists) = (Arena::new(), MessageLists::default());
        let poison = lists.put(&mut arena, message(0), at(0), at(0));
        lists.put(&mut arena, message(7), at(7), at(7));
        assert_eq!(lists.oldest_arrival(&arena, 3), Some(at(0)));
        arena[poison].receives = 4;
        assert_eq!(lists.oldest_arrival(&arena, 3), Some(at(7)));
    }
}
