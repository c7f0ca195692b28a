//! What many tests do with a JVM that is watched.

use finwatch_record::Sample;

use crate::jvm::Jvm;
use crate::ledger::find_row;
use crate::stream::Stream;

/// Brings the program to a quiet moment and holds the ledger against the VM: the objects
/// registered or running are the `java.lang.ref.Finalizer` in the heap, and those
/// pending are what the VM's own counter says. Gives the sample of that moment.
pub fn assert_chain(jvm: &mut Jvm, stream: &mut Stream) -> Sample {
    assert_chain_within(jvm, stream, 0)
}

/// The same where `threads` stood between a hook and the chain when that was counted: each
/// may have registered one object that neither saw.
pub fn assert_chain_within(jvm: &mut Jvm, stream: &mut Stream, threads: u64) -> Sample {
    jvm.tell("quiet");
    let finalizers = jvm.jcmd().finalizers();
    let sample = stream.quiet_sample();
    let counts = sample.finalizer.counts;
    assert!(
        finalizers.abs_diff(counts.registered + counts.running) <= threads,
        "{finalizers} java.lang.ref.Finalizer in the heap, but registered and running: {counts:?}"
    );
    assert_eq!(
        Some(counts.pending),
        sample.finalizer.mxbean_pending,
        "pending, against getObjectPendingFinalizationCount(): {counts:?}"
    );
    sample
}

/// The plain life of finalizable objects, counted right from beginning to end: 100 are
/// registered, let go of, finalized. For a JVM that has registered no `subject.Plain` yet.
pub fn live_and_die(jvm: &mut Jvm, stream: &mut Stream) {
    jvm.tell("register subject.Plain 100");
    let sample = stream.quiet_sample();
    assert_eq!(
        find_row(&sample.classes, "subject.Plain").counts.registered,
        100
    );
    jvm.tell("drop");
    jvm.tell("await subject.Plain 100");
    let sample = assert_chain(jvm, stream);
    let counts = find_row(&sample.classes, "subject.Plain").counts;
    let ended = (
        counts.registered,
        counts.registered_total,
        counts.enqueued_total,
        counts.finalized_total,
    );
    assert_eq!(
        ended,
        (0, 100, 100, 100),
        "registered, registered_total, enqueued_total, finalized_total"
    );
}
