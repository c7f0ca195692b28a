//! Streams with records missing, times that jump, and troubles that are over.

use super::*;

/// The facts and the screen as one line.
fn told(records: &[Record], subject: &Subject) -> (Explanation, String) {
    let (explanation, text) = super::told(records, subject);
    (explanation, flat(&text))
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A sample of so many alerts that are raised.
fn sample_of_alerts(seq: u64, uptime_ms: u64, raised: u64) -> Record {
    let mut sample = sample(&[(STATEMENT, 5000, 12, 5000, 0)]);
    sample.alerts_raised = Some(raised);
    record(seq, uptime_ms, Body::Sample(Box::new(sample)))
}

#[test]
fn alerts_that_no_record_tells_of_are_wrong_too() {
    let records = [
        started(),
        sample_of_alerts(70, 13 * MINUTE_MS, 1),
        sample_of_alerts(71, 14 * MINUTE_MS, 1),
    ];
    let (explanation, text) = told(&records, &of_pid());
    assert!(explanation.is_wrong);
    for part in [
        "an alert is raised of which these records do not tell.",
        "1. They are told again every ten minutes, and with the next sample after: finwatch attach 4711",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut again = leak(STATEMENT);
    again.state = AlertState::Ongoing;
    let told_again = [records.to_vec(), vec![raised(72, 14 * MINUTE_MS, again)]].concat();
    let (_, text) = told(&told_again, &of_pid());
    assert!(
        text.contains("is LEAKING: 4,988 com.example.Statement"),
        "{text}"
    );
}

#[test]
fn an_alert_whose_end_is_missing_is_over_when_no_sample_counts_it() {
    let records = [
        started(),
        raised(1, MINUTE_MS, leak(STATEMENT)),
        sample_of_alerts(40, 13 * MINUTE_MS, 0),
    ];
    let (explanation, text) = told(&records, &of_pid());
    assert!(!explanation.is_wrong, "{text}");
}

/// The options were changed so that nothing is looked for any more.
fn alerts_off(seq: u64, uptime_ms: u64) -> Record {
    let mut off = record(seq, uptime_ms, started().body);
    if let Body::Start(start) = &mut off.body {
        let options = &mut start.agent.options;
        options.insert("alerts".to_owned(), "off".to_owned());
    }
    off
}

#[test]
fn an_alert_is_not_known_to_go_on_once_alerts_are_switched_off() {
    let records = [
        started(),
        raised(1, MINUTE_MS, leak(STATEMENT)),
        alerts_off(2, 2 * MINUTE_MS),
        sample_record(3, 14 * MINUTE_MS, &[(STATEMENT, 12, 0, 5000, 4988)]),
    ];
    for told in wherever_rotated(&records) {
        assert_eq!(told["is_wrong"], false, "{told:#}");
        let headline = told["headline"].as_str().unwrap();
        assert!(
            headline.contains("but alerts are switched off"),
            "{headline}"
        );
    }
}

#[test]
fn a_stall_is_over_when_there_are_samples_again() {
    let stall = exhausted()[3].body.clone();
    let records = [
        started(),
        record(1, 13 * MINUTE_MS, stall),
        sample_of_alerts(9, 14 * MINUTE_MS, 0),
    ];
    let (explanation, text) = told(&records, &of_pid());
    assert!(!explanation.is_wrong, "{text}");
}

#[test]
fn a_machine_that_slept_or_whose_clock_was_set_has_one_jvm() {
    for step_ms in [3_600_000, -5000] {
        let step = |mut record: Record| {
            let ms = crate::time::parse(&record.ts)
                .unwrap()
                .saturating_add_signed(step_ms);
            record.ts = timestamp(ms);
            record
        };
        let mut records = timer_leak();
        let (first, later) = records.split_at_mut(2);
        later
            .iter_mut()
            .for_each(|record| *record = step(record.clone()));
        let all = [first, later].concat();
        let (explanation, text) = told(&all, &of_pid());
        assert_eq!(explanation.others.len(), 0, "{text}");
        assert_eq!(explanation.records, all.len() as u64);
    }
}

fn ran_out(resource: Resource, description: &str) -> Record {
    let Body::Oom(mut oom) = exhausted()[2].body.clone() else {
        unreachable!("it is one");
    };
    (oom.resource, oom.description) = (resource, description.to_owned());
    (oom.alerts, oom.holders) = (Vec::new(), Vec::new());
    record(1, MINUTE_MS, Body::Oom(oom))
}

#[test]
fn what_ran_out_is_told_as_what_it_is() {
    let threads = "unable to create native thread";
    let (explanation, text) = told(&[started(), ran_out(Resource::Threads, threads)], &of_pid());
    assert!(explanation.is_wrong);
    for part in [
        "(com.example.Shop) RAN OUT of threads: unable to create native thread.",
        "not known: the heap was not seen growing",
        "pids.max",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let array = "Requested array size exceeds VM limit";
    let (_, text) = told(&[started(), ran_out(Resource::Other, array)], &of_pid());
    assert!(
        text.contains("had an OutOfMemoryError: Requested array"),
        "{text}"
    );
}

#[test]
fn what_ran_out_long_ago_is_over_when_there_is_room() {
    for (resource, minutes, is_wrong) in [
        (Resource::JavaHeap, 1, false),
        (Resource::Threads, 5, true),
        (Resource::Threads, 15, false),
        (Resource::Other, 15, false),
    ] {
        let records = [
            started(),
            ran_out(resource, "that"),
            sample_of_alerts(2, (1 + minutes) * MINUTE_MS, 0),
        ];
        let (explanation, text) = told(&records, &of_pid());
        assert_eq!(explanation.is_wrong, is_wrong, "{resource:?}: {text}");
        assert_eq!(
            text.contains("It is over."),
            !is_wrong,
            "{resource:?}: {text}"
        );
    }
}

/// A sample with so much of 100 MB in use.
fn sample_of_heap(seq: u64, uptime_ms: u64, megabytes: u64) -> Record {
    let mut sample = sample(&[]);
    let memory = sample.memory.as_mut().unwrap();
    memory.heap.used_bytes = megabytes * 1_000_000;
    memory.heap.max_bytes = Some(100_000_000);
    record(seq, uptime_ms, Body::Sample(Box::new(sample)))
}

/// The answer about records of one file, and of two of which the second begins with each of them in turn.
fn wherever_rotated(records: &[Record]) -> Vec<Value> {
    let all = (0..records.len()).map(|at| {
        let (earlier, later) = records.split_at(at);
        let files = [later, earlier].map(file);
        json_of(&explained(&files, &of_pid()).unwrap())
    });
    all.collect()
}

#[test]
fn whether_what_ran_out_is_over_does_not_depend_on_where_a_file_was_rotated() {
    let ooms = |records: &[(u64, bool)]| {
        let mut all = vec![started()];
        for (number, (used, runs_out)) in (1..).zip(records) {
            let at_ms = number * MINUTE_MS;
            let next = match runs_out {
                true => record(number, at_ms, ran_out(Resource::JavaHeap, "that").body),
                false => sample_of_heap(number, at_ms, *used),
            };
            all.push(next);
        }
        all
    };
    let oom = (0, true);
    let heap = |used| (used, false);
    for (records, first, is_over) in [
        (vec![heap(50), oom, heap(95), heap(40), heap(95)], 2, true),
        (vec![heap(50), oom, heap(95), oom, heap(95)], 2, false),
        (vec![oom, heap(40), heap(95), oom, heap(95)], 4, false),
        (
            vec![oom, oom, heap(40), oom, heap(95), heap(30), heap(95)],
            4,
            true,
        ),
    ] {
        let records = ooms(&records);
        for told in wherever_rotated(&records) {
            assert_eq!(told["oom"]["ts"], records[first].ts, "{told:#}");
            assert_eq!(told["oom_is_over"], is_over, "{told:#}");
        }
    }
}

#[test]
fn who_held_them_was_known_when_it_was_looked_for() {
    let mut records = exhausted();
    let Body::Oom(oom) = &mut records[2].body else {
        unreachable!("it is one");
    };
    oom.holders[0].looked_uptime_ms = Some(3 * MINUTE_MS);
    let (_, text) = told(&records, &of_pid());
    assert!(text.contains("(looked at 14:16:20)"), "{text}");
}

#[test]
fn a_jvm_that_is_there_and_tells_nothing_is_not_said_to_be_well() {
    let last_ms = crate::time::parse(&healthy().last().unwrap().ts).unwrap();
    let asked = |later_ms| Subject {
        now_ms: Some(last_ms + later_ms),
        ..of_pid()
    };
    let (explanation, text) = told(&healthy(), &asked(12 * MINUTE_MS));
    assert!(!explanation.is_wrong);
    assert!(
        text.starts_with("finwatch: Nothing is known to be wrong with PID 4711 (com.example.Shop), but it has told nothing for 12 min"),
        "{text}"
    );
    let (_, text) = told(&healthy(), &asked(30_000));
    assert!(
        text.starts_with("finwatch: Nothing is wrong with"),
        "{text}"
    );
}
