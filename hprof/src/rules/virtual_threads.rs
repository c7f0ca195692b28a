//! Virtual threads whose stacks the dump does not have: JDK 21 leaves out those that do not run at that moment, so what
//! they alone hold is seen to be held by nobody.

use crate::addresses::Near;
use crate::columns::Bits;
use crate::entry::{ClassDump, Visitor};
use crate::error::Error;
use crate::layout::Field;
use crate::look::look;
use crate::path::Holders;
use crate::progress::Phase;
use crate::rules::{Case, Finding};
use crate::threads::VIRTUAL_THREAD;
use crate::value::Type;
use crate::words::{by_number, counted, grouped};

/// The values of the field `state` of one that has no stack: it was not started, or has ended (`VirtualThread.java`).
const WITHOUT_STACK: [u64; 2] = [0, 99];

pub(super) fn find(case: &Case<'_>) -> Result<Option<Finding>, Error> {
    let loose = |holders: &Holders| holders.instances.saturating_sub(holders.held);
    let unheld: u64 = case.holders.iter().map(loose).sum();
    let unexplained = unheld.saturating_sub(case.total.pending + case.total.running);
    if unexplained == 0 {
        return Ok(None);
    }
    let (all, missing) = count(case)?;
    Ok((missing > 0).then(|| Finding {
        rule: "virtual_thread_stacks",
        class: None,
        count: 0,
        evidence: vec![("virtual_threads", all), ("without_stack", missing)],
        fields_read: vec![format!("{VIRTUAL_THREAD}.state")],
        text: format!(
            "{} of {} {} no stack in this dump: of {} that {} to be held by nobody any may be held there",
            grouped(missing),
            counted(all, "virtual thread"),
            by_number(missing, "has", "have"),
            counted(unexplained, "object"),
            by_number(unexplained, "seems", "seem")
        ),
        advice: "Dump a JVM of JDK 25, which writes these stacks, or look at what these threads do (jcmd PID \
                 Thread.dump_to_file FILE).",
    }))
}

/// How many virtual threads are alive, and of how many of them the dump has no stack.
fn count(case: &Case<'_>) -> Result<(u64, u64), Error> {
    let Some(class) = case.class(VIRTUAL_THREAD) else {
        return Ok((0, 0));
    };
    let survey = case.fetcher.survey;
    let mut told = Bits::new(case.objects.classes.len());
    let virtual_threads = case.threads.values().filter(|thread| thread.is_virtual);
    for number in virtual_threads.filter_map(|thread| survey.index.number(thread.object)) {
        told.set(number);
    }
    let counters = look(
        case.fetcher.dump,
        survey,
        case.fetcher.progress,
        Phase::Inspecting,
        || Counter {
            case,
            class: case.finder.classes.get(class).id,
            state: case.finder.field(class, VIRTUAL_THREAD, "state"),
            told: &told,
            near: Near::default(),
            untold: 0,
        },
    )?;
    let missing = counters.iter().map(|counter| counter.untold).sum();
    Ok((told.count() + missing, missing))
}

/// Counts those that have no stack and should.
struct Counter<'a> {
    case: &'a Case<'a>,
    class: u64,
    state: Option<Field>,
    told: &'a Bits,
    near: Near,
    untold: u64,
}

impl Visitor for Counter<'_> {
    const ELEMENTS: bool = false;

    fn class(&mut self, _at: u64, _class: ClassDump) {}

    #[inline]
    fn instance(&mut self, _at: u64, id: u64, class: u64, body: &[u8]) {
        if class != self.class {
            return;
        }
        let ids = self.case.finder.dump.ids;
        let state = self.state.map(|state| state.read(ids, body));
        let has_stack = state.is_none_or(|state| !WITHOUT_STACK.contains(&state));
        let number = self
            .case
            .fetcher
            .survey
            .index
            .number_near(id, &mut self.near);
        if has_stack && number.is_some_and(|number| !self.told.get(number)) {
            self.untold += 1;
        }
    }

    fn object_array(&mut self, _at: u64, _id: u64, _class: u64, _length: u32) {}

    fn primitive_array(&mut self, _at: u64, _id: u64, _element: Type, _length: u32, _body: u64) {}
}
