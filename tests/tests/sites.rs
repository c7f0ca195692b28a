//! Where objects are made: stacks of registrations, or of the allocations that the VM samples.

use finwatch_record::{Body, Record, SiteEvent, Sites};
use finwatch_tests::{
    Case, Finwatch, Jvm, Launch, Stream, any_case, for_each_jdk, for_each_jvm, wait_until,
};

const CLASS: &str = "subject.Plain";

/// The method of the program that makes the objects.
const MAKER: &str = "subject.Objects.make(Objects.java:";

/// Objects that are made between two collections: the VM chooses one in 512 KiB, and they have 16 bytes each.
const MANY: &str = "register subject.Plain 100000";

/// A leak is told soon, and with it where its objects are made.
fn launch(case: &Case, sites: &str) -> Launch {
    Launch::new(case)
        .option("patience", "1s")
        .option("sites", sites)
        .flag("-Xmx256m")
}

/// Leaks until it is told where, with stacks of that event.
fn wait_for_sites(jvm: &mut Jvm, stream: &mut Stream, event: SiteEvent) -> Sites {
    let mut found = None;
    wait_until("sites of the leak", || {
        stream.read();
        found = sites(stream.records(), event);
        if found.is_none() {
            jvm.tell(MANY);
            jvm.tell("gc 1");
        }
        found.is_some()
    });
    found.expect("sites")
}

fn sites(records: &[Record], event: SiteEvent) -> Option<Sites> {
    records.iter().find_map(|record| match &record.body {
        Body::Sites(sites) if sites.class == CLASS && sites.event == event => {
            Some(Sites::clone(sites))
        }
        _ => None,
    })
}

/// Stacks of registrations begin with the constructor that has ended.
fn assert_of_registrations(sites: &Sites) {
    let most = &sites.stacks[0];
    assert!(
        most.frames[0].starts_with("subject.Plain.<init>("),
        "{sites:#?}"
    );
    assert!(most.frames[1].starts_with(MAKER), "{sites:#?}");
    assert!(sites.sampled >= most.count, "{sites:#?}");
}

/// Stacks of allocations begin with the `new`, before any constructor.
fn assert_of_allocations(sites: &Sites) {
    let most = &sites.stacks[0];
    assert!(most.frames[0].starts_with(MAKER), "{sites:#?}");
    assert!(sites.sampled >= most.count, "{sites:#?}");
}

#[test]
fn registrations_tell_the_constructor_and_who_called_it() {
    for_each_jdk(|case| {
        let mut jvm = launch(case, "on").start();
        let mut stream = jvm.stream();
        assert_of_registrations(&wait_for_sites(
            &mut jvm,
            &mut stream,
            SiteEvent::Registration,
        ));
    });
}

/// The first few of each thread are all looked at, of the many of one thread one in a thousand.
#[test]
fn a_few_objects_of_many_threads_do_not_outweigh_the_many_of_one() {
    for_each_jdk(|case| {
        let mut jvm = launch(case, "on").start();
        let mut stream = jvm.stream();
        stream.fresh_sample();
        jvm.tell("threads 100 4");
        let sites = wait_for_sites(&mut jvm, &mut stream, SiteEvent::Registration);
        assert_of_registrations(&sites);
        let (most, sampled) = (&sites.stacks[0], sites.sampled);
        assert!(
            most.count < sampled / 2 && sites.share(most) > 0.9,
            "{sites:#?}"
        );
    });
}

#[test]
fn allocations_tell_who_made_the_objects() {
    for_each_jvm(|case| {
        if !case.collects() || case.jdk.feature < 11 {
            return;
        }
        let mut jvm = launch(case, "jvmti").start();
        let mut stream = jvm.stream();
        assert_of_allocations(&wait_for_sites(
            &mut jvm,
            &mut stream,
            SiteEvent::Allocation,
        ));
        let start = stream.start();
        assert_eq!(start.agent.options["sites"], "jvmti");
        // The VM itself warns of some collectors.
        let warned = jvm.end().err();
        assert!(!warned.contains("finwatch"), "{warned}");
    });
}

#[test]
fn registrations_serve_where_the_vm_samples_no_allocations() {
    for_each_jdk(|case| {
        if case.jdk.feature >= 11 {
            return;
        }
        let mut jvm = launch(case, "jvmti").start();
        let mut stream = jvm.stream();
        assert_of_registrations(&wait_for_sites(
            &mut jvm,
            &mut stream,
            SiteEvent::Registration,
        ));
        let err = jvm.end().err();
        assert!(
            err.contains("sites=jvmti: this JVM has no sampled allocations"),
            "{err}"
        );
    });
}

#[test]
fn one_can_change_from_one_to_the_other() {
    let case = any_case();
    for (before, after, event) in [
        ("off", "jvmti", SiteEvent::Allocation),
        ("jvmti", "on", SiteEvent::Registration),
    ] {
        let mut jvm = launch(&case, before).option("alerts", "off").start();
        let mut stream = jvm.stream();
        jvm.tell(MANY);
        stream.fresh_sample();
        let (pid, sites) = (jvm.pid().to_string(), format!("sites={after}"));
        let changed = Finwatch::new(&["attach", &pid, &sites, "alerts=on"]).run();
        assert_eq!(changed.code, Some(0), "{changed:#?}");
        let found = wait_for_sites(&mut jvm, &mut stream, event);
        match event {
            SiteEvent::Allocation => assert_of_allocations(&found),
            SiteEvent::Registration => assert_of_registrations(&found),
        }
    }
}
