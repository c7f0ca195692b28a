//! What is told one by one and not as a number over time: alerts, stalls, exhausted memory, what the finalizer thread
//! does, who holds the objects and where they are made.

use std::collections::BTreeMap;

use finwatch_record::{
    Body, FinalizerState, FinalizerThread, Holders, OutOfMemory, Resource, Sites, Stall, StallState,
};
use serde::Serialize;

use super::alerts::Alerts;

/// So many of each kind are kept, the first ones.
const MOST: usize = 500;

/// What happened in a JVM.
#[derive(Debug, Default, Serialize)]
pub struct Incidents {
    pub alerts: Alerts,
    pub stalls: Vec<At<Stall>>,
    pub ooms: Vec<At<Exhausted>>,
    /// The finalizer thread's states, each when it began.
    pub finalizer_states: Vec<At<FinalizerState>>,
    /// The last time the finalizer thread was told with a stack.
    pub finalizer_thread: Option<At<FinalizerThread>>,
    /// The last for each class.
    pub holders: BTreeMap<String, At<Holders>>,
    /// The last for each class.
    pub sites: BTreeMap<String, At<Sites>>,
    /// Records of types that this program does not know, by type.
    pub unknown: BTreeMap<String, u64>,
    /// Too many to keep.
    pub left_out: u64,
}

/// When it was told, milliseconds since 1970, and what.
#[derive(Debug, Serialize)]
pub struct At<T> {
    pub time_ms: u64,
    pub told: T,
}

/// What is kept of an `oom`.
#[derive(Debug, Serialize)]
pub struct Exhausted {
    pub resource: Resource,
    pub description: String,
    pub error_thrown: bool,
    pub registered: u64,
    pub pending: u64,
    /// The class with most registered objects, and how many.
    pub worst: Option<(String, u64)>,
}

impl Incidents {
    /// Takes the body of a record that is none of the others, made at that time of both clocks.
    pub fn take(&mut self, time_ms: u64, uptime_ms: u64, body: Body) {
        match body {
            Body::Alert(alert) => self.alerts.take(time_ms, *alert),
            // While it lasts it is told again and again; an unfinished one is kept as it was last.
            Body::Stall(stall) => self.take_stall(time_ms, *stall),
            Body::Oom(oom) => self.take_oom(time_ms, uptime_ms, *oom),
            Body::FinalizerThread(thread) => self.take_thread(time_ms, *thread),
            Body::Holders(holders) => {
                let looked_ms = holders.looked_ms(time_ms, uptime_ms);
                keep(
                    &mut self.holders,
                    looked_ms,
                    holders.class.clone(),
                    *holders,
                )
            }
            Body::Sites(sites) => keep(&mut self.sites, time_ms, sites.class.clone(), *sites),
            _ => {}
        }
    }

    /// Counts a record of a type that is not known.
    pub fn count_unknown(&mut self, kind: &str) {
        if self.unknown.len() < MOST || self.unknown.contains_key(kind) {
            *self.unknown.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// Adds those of a later file.
    pub fn append(&mut self, later: Incidents) {
        self.alerts.append(later.alerts);
        for stall in later.stalls {
            self.take_stall(stall.time_ms, stall.told);
        }
        self.ooms.extend(later.ooms);
        for state in later.finalizer_states {
            self.take_state(state.time_ms, state.told);
        }
        self.finalizer_thread = later.finalizer_thread.or(self.finalizer_thread.take());
        self.holders.extend(later.holders);
        self.sites.extend(later.sites);
        for (kind, count) in later.unknown {
            *self.unknown.entry(kind).or_default() += count;
        }
        self.left_out += later.left_out;
    }

    fn take_stall(&mut self, time_ms: u64, stall: Stall) {
        let goes_on = self.stalls.last().is_some_and(|last| {
            let last = &last.told;
            last.state == StallState::Ongoing && last.since_uptime_ms == stall.since_uptime_ms
        });
        if goes_on {
            self.stalls.pop();
        }
        push(&mut self.stalls, time_ms, stall, &mut self.left_out);
    }

    fn take_oom(&mut self, time_ms: u64, uptime_ms: u64, oom: OutOfMemory) {
        let worst = oom.classes.iter().max_by_key(|row| row.counts.registered);
        let exhausted = Exhausted {
            resource: oom.resource,
            description: oom.description,
            error_thrown: oom.error_thrown,
            registered: oom.finalizer.registered,
            pending: oom.finalizer.pending,
            worst: worst.map(|row| (row.class.clone(), row.counts.registered)),
        };
        push(&mut self.ooms, time_ms, exhausted, &mut self.left_out);
        for holders in oom.holders {
            let looked_ms = holders.looked_ms(time_ms, uptime_ms);
            keep(&mut self.holders, looked_ms, holders.class.clone(), holders);
        }
    }

    fn take_thread(&mut self, time_ms: u64, thread: FinalizerThread) {
        self.take_state(time_ms, thread.state);
        if !thread.stack.is_empty() || self.finalizer_thread.is_none() {
            self.finalizer_thread = Some(At::new(time_ms, thread));
        }
    }

    fn take_state(&mut self, time_ms: u64, state: FinalizerState) {
        let last = self.finalizer_states.last().map(|last| last.told);
        if last != Some(state) {
            push(
                &mut self.finalizer_states,
                time_ms,
                state,
                &mut self.left_out,
            );
        }
    }
}

impl<T> At<T> {
    fn new(time_ms: u64, told: T) -> At<T> {
        At { time_ms, told }
    }
}

fn push<T>(all: &mut Vec<At<T>>, time_ms: u64, what: T, left_out: &mut u64) {
    if all.len() < MOST {
        all.push(At::new(time_ms, what));
    } else {
        *left_out += 1;
    }
}

fn keep<T>(all: &mut BTreeMap<String, At<T>>, time_ms: u64, class: String, what: T) {
    if all.len() < MOST || all.contains_key(&class) {
        all.insert(class, At::new(time_ms, what));
    }
}
