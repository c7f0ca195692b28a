//! The tools of these tests themselves, on JVMs without the agent.

use finwatch_tests::{Launch, for_each_jdk, for_each_jvm, java_agent_jar};

#[test]
fn the_driver_does_as_it_is_told_and_jcmd_is_understood() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let before = jvm.jcmd().finalizers();
        jvm.tell("register subject.Plain 500");
        assert_eq!(jvm.jcmd().histogram().get("subject.Plain"), Some(&500));
        assert!(
            jvm.jcmd().finalizers() >= before + 400,
            "Finalizers did not grow by about 500"
        );
        if !case.collects() {
            return;
        }
        jvm.tell("stuck");
        jvm.tell("drop");
        jvm.tell("gc 3");
        if case.jdk.feature >= 9 {
            assert_eq!(jvm.jcmd().finalizer_info().get("subject.Plain"), Some(&500));
        }
        jvm.tell("release");
        assert_eq!(jvm.tell("await subject.Plain 500")["entered"], 500);
        assert_eq!(jvm.tell("quiet")["pending"], 0);
        assert_eq!(jvm.end().status.code(), Some(0));
    });
}

#[test]
fn the_java_agent_has_classes_retransformed() {
    for_each_jdk(|case| {
        let jar = format!("-javaagent:{}", java_agent_jar().display());
        let mut jvm = Launch::new(case).without_agent().flag(jar).start();
        let answer = jvm.tell("retransform java.lang.ref.Finalizer java.lang.ref.ReferenceQueue");
        assert!(answer["retransformed"].as_u64() >= Some(2), "{answer}");
    });
}
