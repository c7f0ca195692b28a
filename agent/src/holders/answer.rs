//! What was found, in words.

use finwatch_record::{Holders, HoldingPath, Link, Root, RootKind};
use jni::Env;

use super::{
    Found, Search, Wanted,
    classes::LoadedClasses,
    is_nearly_all,
    paths::{Start, Via, Way},
    stopped::Stops,
    tag,
};
use crate::jvmti::{Frame, TaggedHeap};

/// Paths that are told.
const MOST_PATHS: usize = 20;

/// Links of a path that are told: as many from its beginning as from its end.
const MOST_LINKS: usize = 40;

/// Puts what was found into words.
pub struct Teller<'a> {
    pub heap: &'a TaggedHeap,
    pub classes: &'a LoadedClasses,
    /// Names of the threads, by number.
    pub threads: &'a [String],
}

impl Teller<'_> {
    /// The answer.
    pub(super) fn tell(
        &self,
        env: &mut Env,
        wanted: &Wanted,
        search: &Search,
        stops: &Stops,
    ) -> Holders {
        let found = &search.best;
        // That the time was up before any was found says nothing.
        let softly = search.softly.as_ref();
        let softly = softly.filter(|softly| softly.estimate > 0.0 || !softly.progress.out_of_time);
        let exact = found.is_exact();
        let counted = found.is_counted() && softly.is_none_or(Found::is_counted);
        let registered = wanted.registered;
        let all = search.estimate();
        // What is estimated at more than there are, and what nearly is.
        let scale = match is_nearly_all(all, registered) {
            true if !(counted || wanted.are_more) => registered as f64 / all,
            _ => 1.0,
        };
        let held = (found.estimate * scale).round() as u64;
        let instances = registered.max(held);
        let softly_held = softly.map(|_| (search.softly() * scale).round() as u64);
        let softly_held = softly_held.map(|softly| softly.min(instances - held));
        let soft_paths = softly.filter(|_| softly_held > Some(0)).map(|softly| {
            let scale = softly_held.unwrap_or(0) as f64 / softly.estimate;
            self.paths(env, softly, scale)
        });
        let met = found.met() + softly.map_or(0, Found::met);
        // What soft references keep may be held by a stack, too.
        let complete =
            search.is_explained(found.estimate) || search.has_enough() && stops.are_allowed();
        Holders {
            class: wanted.name.to_owned(),
            loader: wanted.loader.map(str::to_owned),
            instances,
            sampled: (!counted).then_some(met),
            held,
            unheld: exact.then(|| instances - held),
            softly_held,
            paths: self.paths(env, found, scale),
            soft_paths: soft_paths.unwrap_or_default(),
            complete,
            incomplete_reason: (!complete).then(|| reason(found, stops)),
            looked_uptime_ms: None,
            stw_ms: Some(stops.sum().as_secs_f64() * 1e3),
            stw_ms_max: Some(stops.longest().as_secs_f64() * 1e3),
        }
    }

    fn paths(&self, env: &mut Env, found: &Found, scale: f64) -> Vec<HoldingPath> {
        let ends = found.ends.iter().take(MOST_PATHS);
        ends.map(|(end, way)| self.path(env, way, (end.estimate * scale).round() as u64))
            .collect()
    }

    fn path(&self, env: &mut Env, (start, links): &Way, count: u64) -> HoldingPath {
        let all = links.len();
        let is_told = |at: usize| at < MOST_LINKS / 2 || at + MOST_LINKS / 2 >= all;
        let links = links.iter().enumerate().filter(|(at, _)| is_told(*at));
        HoldingPath {
            count,
            root: self.root(env, *start),
            chain: links
                .map(|(_, &(class, via))| Link {
                    class: self.classes.name(class),
                    field: match via {
                        Via::Field(index) => self.classes.field(env, self.heap, class, index),
                        Via::NoField => None,
                    },
                })
                .collect(),
        }
    }

    fn root(&self, env: &mut Env, start: Start) -> Root {
        let mut root = Root {
            kind: RootKind::Other,
            thread: None,
            method: None,
            class: None,
            field: None,
        };
        match start {
            Start::Thread(number) => {
                root.kind = RootKind::Thread;
                root.thread = self.threads.get(number as usize).cloned();
            }
            Start::Stack(frame) => {
                root.kind = RootKind::Stack;
                root.thread = self.thread(frame);
                root.method = self.heap.method(env, frame);
            }
            Start::JniLocal(frame) => {
                root.kind = RootKind::JniLocal;
                root.thread = self.thread(frame);
            }
            Start::Static(class, index) => {
                root.kind = RootKind::StaticField;
                root.class = Some(self.classes.name(class));
                root.field = self.classes.field(env, self.heap, class, index);
            }
            Start::OwnStatic(class, index) => {
                root.kind = RootKind::StaticField;
                root.class = Some(self.classes.name(class));
                root.field = self.classes.own_field(env, self.heap, class, index);
            }
            Start::Class(class) => {
                root.kind = RootKind::Class;
                root.class = Some(self.classes.name(class));
            }
            Start::JniGlobal => root.kind = RootKind::JniGlobal,
            Start::Monitor => root.kind = RootKind::Monitor,
            Start::Other => {}
        }
        root
    }

    /// Its name, or its number where it is not among the VM's platform threads: a virtual one, or
    /// one that has just begun.
    fn thread(&self, frame: Frame) -> Option<String> {
        match tag::read(frame.thread_tag) {
            tag::Meaning::Thread(number) => self.threads.get(number as usize).cloned(),
            _ => (frame.thread_id > 0).then(|| format!("#{}", frame.thread_id)),
        }
    }
}

/// How far it got, in a sentence.
fn reason(found: &Found, stops: &Stops) -> String {
    let looked_at = found.progress.references;
    if let Some(refusal) = stops.refusal() {
        return format!(
            "{looked_at} references from threads and static fields were looked at while the \
             application ran; {refusal}"
        );
    }
    let times = match stops.count() {
        0 | 1 => "in one stop".to_owned(),
        count => format!("in {count} stops"),
    };
    format!(
        "{looked_at} references were looked at {times}, {:.0} ms together; the other instances are \
         held in ways that were not looked at, or by nobody",
        stops.sum().as_secs_f64() * 1e3,
    )
}
