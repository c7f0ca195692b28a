//! Virtual threads whose stacks the dump does not have: JDK 21 leaves out those that do not run at that moment, so what
//! they alone hold is seen to be held by nobody.

use crate::rules::{Case, Finding};
use crate::threads::VIRTUAL_THREAD;
use crate::words::{by_number, counted, grouped};

pub(super) fn find(case: &Case<'_>) -> Option<Finding> {
    let class = case.class(VIRTUAL_THREAD)?;
    let all = case.finder.classes.get(class).instances;
    let told = case.threads.values().filter(|thread| thread.is_virtual);
    let missing = all.saturating_sub(told.count() as u64);
    let loose = |holders: &crate::path::Holders| holders.instances.saturating_sub(holders.held);
    let unheld: u64 = case.holders.iter().map(loose).sum();
    let unexplained = unheld.saturating_sub(case.total.pending + case.total.running);
    (missing > 0 && unexplained > 0).then(|| Finding {
        rule: "virtual_thread_stacks",
        class: None,
        count: 0,
        evidence: vec![("virtual_threads", all), ("without_stack", missing)],
        fields_read: Vec::new(),
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
    })
}
