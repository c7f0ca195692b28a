//! What is written is read back the same, as one line, whatever is in a name.

use crate::records::{any_name, any_record, full, line};
use finwatch_record::{Body, Record};
use proptest::prelude::*;

#[test]
fn every_type_reads_back() {
    for record in full() {
        assert_eq!(Record::parse(&line(&record)).unwrap(), record);
        let with_line_feed = line(&record) + "\n";
        assert_eq!(Record::parse(&with_line_feed).unwrap(), record);
        // As another program may have written it again.
        let spaced = serde_json::to_string_pretty(&record).unwrap();
        assert_eq!(Record::parse(&spaced).unwrap(), record);
    }
}

#[test]
fn hostile_names_stay_on_one_line() {
    for name in [
        "a\nb\rc",
        "a\0b\u{1b}[2Jc\u{7f}",
        r#"","threw_total":99,"x":""#,
        r"back\slash\u0041\",
        "\u{2028}\u{2029}\u{85}\u{feff}\u{202e}",
        "\u{1f980}\u{10ffff}",
        "",
    ] {
        for mut record in full() {
            match &mut record.body {
                Body::Start(start) => start.host = name.to_owned(),
                Body::Sample(sample) => sample.classes[0].class = name.to_owned(),
                Body::Gc(collection) => collection.cause = Some(name.to_owned()),
                Body::Stop(stop) => stop.classes[0].loader = Some(name.to_owned()),
                Body::Alert(alert) => alert.cause_class = Some(name.to_owned()),
                Body::FinalizerThread(thread) => thread.stack.push(name.to_owned()),
                Body::HeapDump(dump) => dump.classes[0].class = name.to_owned(),
                Body::Holders(holders) => holders.paths[0].root.thread = Some(name.to_owned()),
                Body::Sites(sites) => sites.stacks[0].frames[0] = name.to_owned(),
                Body::Stall(_) => {}
                Body::Oom(oom) => oom.description = name.to_owned(),
                Body::Unknown(_) => unreachable!("full() makes known types"),
            }
            let line = line(&record);
            assert!(!line.chars().any(|c| c < ' '), "{line:?}");
            assert_eq!(Record::parse(&line).unwrap(), record);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_record_reads_back(record in any_record()) {
        let line = line(&record);
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(Record::parse(&line).unwrap(), record);
    }

    #[test]
    fn any_class_name_is_one_line(name in any_name()) {
        let mut record = full().swap_remove(1);
        if let Body::Sample(sample) = &mut record.body {
            sample.classes[0].class = name;
        }
        let line = line(&record);
        prop_assert!(!line.chars().any(|c| c < ' '));
        prop_assert_eq!(Record::parse(&line).unwrap(), record);
    }
}
