use finwatch_record::Trigger;

use super::examples::*;
use super::*;

fn model(records: impl IntoIterator<Item = Record>) -> Model {
    let mut model = Model::default();
    records
        .into_iter()
        .for_each(|record| model.line(line(record)));
    model
}

fn started() -> Record {
    record(0, 1000, Body::Start(Box::new(start())))
}

fn names(model: &Model) -> Vec<&str> {
    model
        .classes()
        .map(|class| class.row.class.as_str())
        .collect()
}

#[test]
fn samples_give_counts_and_rates() {
    let model = model([
        started(),
        sample_record(1, 5000, &[("A", 10, 2, 10, 0), ("B", 5, 0, 5, 0)]),
        sample_record(2, 10_000, &[("A", 30, 1, 40, 10), ("B", 5, 0, 5, 0)]),
    ]);
    let a = model.classes().next().unwrap();
    assert_eq!((a.row.counts.registered, a.row.counts.pending), (30, 1));
    assert_eq!(
        (a.past.rate_in(), a.past.rate_out()),
        (Some(6.0), Some(2.0))
    );
    assert_eq!(
        (model.past.rate_in(), model.past.rate_out()),
        (Some(6.0), Some(2.0))
    );
    assert_eq!(model.finalizer.unwrap().counts.registered, 35);
    assert_eq!(model.start.as_ref().unwrap().host, "shop-7");
    assert_eq!(model.doubts, Doubts::default());
}

#[test]
fn the_same_name_in_two_loaders_is_two_classes() {
    let mut two = sample(&[("A", 1, 0, 1, 0), ("A", 2, 0, 2, 0)]);
    two.classes[1].loader = Some("Loader@1f".into());
    let model = model([record(0, 5000, Body::Sample(Box::new(two)))]);
    let registered: Vec<_> = model
        .classes()
        .map(|class| class.row.counts.registered)
        .collect();
    assert_eq!(registered, [2, 1]);
}

#[test]
fn a_class_that_leaves_the_list_keeps_its_past_until_it_comes_back() {
    let mut model = model([
        sample_record(0, 5000, &[("A", 10, 0, 10, 0)]),
        sample_record(1, 10_000, &[("B", 1, 0, 1, 0)]),
    ]);
    assert_eq!(names(&model), ["B"]);
    model.line(line(sample_record(2, 15_000, &[("A", 20, 0, 30, 10)])));
    let a = model.classes().next().unwrap();
    assert_eq!(a.past.rate_in(), Some(2.0));
}

#[test]
fn an_unloaded_class_is_gone() {
    let mut last = sample(&[("A", 10, 0, 10, 0)]);
    last.classes[0].unloaded = true;
    let model = model([
        sample_record(0, 5000, &[("A", 10, 0, 10, 0)]),
        record(1, 10_000, Body::Sample(Box::new(last))),
    ]);
    assert_eq!(names(&model), [""; 0]);
}

#[test]
fn missing_records_are_counted_but_not_those_that_were_left_out() {
    let mut model = Model::default();
    model.head(line(started()));
    model.line(line(sample_record(100, 5000, &[])));
    assert!(model.start.is_some());
    assert_eq!(model.doubts.missing, 0);
    model.line(line(sample_record(104, 10_000, &[])));
    assert_eq!(model.doubts.missing, 3);
}

#[test]
fn a_head_that_is_a_sample_is_none() {
    let mut model = Model::default();
    model.head(line(sample_record(1, 5000, &[("A", 10, 0, 10, 0)])));
    assert_eq!(model.life(0), Life::Unborn);
}

#[test]
fn the_start_of_an_earlier_jvm_is_not_this_ones() {
    let mut model = Model::default();
    model.head(line(started()));
    let mut later = sample_record(100, 5000, &[]);
    later.ts = timestamp(START_MS + 86_400_000);
    model.line(line(later));
    assert!(model.start.is_none());
}

#[test]
fn a_new_start_forgets_the_stream_before() {
    let model = model([
        started(),
        sample_record(1, 5000, &[("A", 10, 0, 10, 0)]),
        record(0, 9000, Body::Start(Box::new(start()))),
    ]);
    assert_eq!(names(&model), [""; 0]);
    assert_eq!(model.past.rate_in(), None);
}

#[test]
fn a_restart_whose_start_record_was_lost_forgets_the_stream_before() {
    let model = model([
        started(),
        sample_record(50, 500_000, &[("A", 10, 0, 10, 0)]),
        sample_record(1, 6000, &[("B", 1, 0, 1, 0)]),
        sample_record(2, 11_000, &[("B", 11, 0, 11, 0)]),
    ]);
    assert_eq!(names(&model), ["B"]);
    assert_eq!(model.past.rate_in(), Some(2.0));
    assert!(model.start.is_none());
}

#[test]
fn of_two_jvms_that_write_to_one_file_one_is_shown() {
    let mut other = sample_record(7, 6000, &[("B", 1, 0, 1, 0)]);
    other.pid = 5000;
    let mut model = model([sample_record(1, 5000, &[("A", 1, 0, 1, 0)]), other.clone()]);
    assert_eq!((names(&model), model.doubts.of_others), (vec!["A"], 1));
    // Until that one is silent.
    other.ts = timestamp(START_MS + 5000 + SILENT_MS + 1);
    model.line(line(other));
    assert_eq!((names(&model), model.doubts.of_others), (vec!["B"], 1));
}

#[test]
fn of_a_jvm_that_was_asked_for_its_first_record_is_waited_for() {
    let of = |pid: u32, name: &str| {
        let mut sample = sample_record(0, 5000, &[(name, 1, 0, 1, 0)]);
        sample.pid = pid;
        line(sample)
    };
    let mut model = Model::of(Some(7));
    model.line(of(5000, "A"));
    assert_eq!((model.life(0), model.doubts.of_others), (Life::Unborn, 1));
    model.line(of(7, "B"));
    assert_eq!((names(&model), model.doubts.of_others), (vec!["B"], 0));
    // While it writes, another beside it is one.
    model.line(of(5000, "A"));
    assert_eq!((names(&model), model.doubts.of_others), (vec!["B"], 1));
}

#[test]
fn a_stop_is_the_final_ledger() {
    let model = model([
        started(),
        sample_record(1, 5000, &[("A", 10, 0, 10, 0)]),
        record(2, 10_000, Body::Stop(Box::new(stop(StopReason::VmDeath)))),
    ]);
    assert_eq!(model.classes().next().unwrap().row.counts.registered, 1);
    let age_ms = 7000;
    let reason = StopReason::VmDeath;
    assert_eq!(
        model.life(START_MS + 17_000),
        Life::Stopped { reason, age_ms }
    );
}

#[test]
fn a_stream_is_silent_after_two_intervals_and_a_bit() {
    let model = model([started(), sample_record(1, 5000, &[])]);
    let at = |ms| model.life(START_MS + 5000 + ms);
    assert_eq!(at(15_000), Life::Live { age_ms: 15_000 });
    assert_eq!(at(15_001), Life::Silent { age_ms: 15_001 });
    assert_eq!(model.life(START_MS), Life::Live { age_ms: 0 });
}

#[test]
fn lines_that_are_no_records_are_counted() {
    let mut model = model([sample_record(0, 5000, &[("A", 1, 0, 1, 0)])]);
    model.line(Line::Problem(Problem::Torn));
    assert_eq!(model.doubts.unreadable, 1);
    assert_eq!(model.doubts.last_problem, Some(Problem::Torn));
    assert_eq!(names(&model), ["A"]);
}

#[test]
fn records_of_a_type_not_known_yet_do_no_harm() {
    let unknown = record(1, 6000, Body::Unknown(serde_json::Map::new()));
    let model = model([sample_record(0, 5000, &[("A", 1, 0, 1, 0)]), unknown]);
    assert_eq!((names(&model), model.doubts.missing), (vec!["A"], 0));
}

#[test]
fn the_past_of_very_many_classes_is_short() {
    let mut model = Model::default();
    let rows: Vec<String> = (0..4000).map(|n| format!("Class{n}")).collect();
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|name| (name.as_str(), 1, 0, 1, 0))
        .collect();
    let mut many = sample(&rows);
    many.trigger = Trigger::Gc;
    for n in 0..400 {
        model.line(line(record(
            n,
            n * 1000,
            Body::Sample(Box::new(many.clone())),
        )));
    }
    let span_ms = model.classes().next().unwrap().past.span_ms();
    assert!(span_ms < 300_000, "{span_ms}");
}
