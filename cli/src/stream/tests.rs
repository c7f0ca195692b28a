//! Any bytes: nothing panics, and nothing is lost. Files that are none of ours: a word for each.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::sync::Mutex;

use finwatch_record::{Body, Record};
use proptest::prelude::*;

use super::block::{Blocks, LineEnd};
use super::*;

const GC: &str = r#"{"v":1,"type":"gc","ts":"2026-11-25T00:00:00.000Z","seq":7,"pid":1,"uptime_ms":5,"collector":null,"action":null,"cause":null,"id":null,"start_uptime_ms":4,"duration_ms":1.5,"pauses":{"count":1,"total_ms":1.5},"pools":[]}"#;
const NEWER: &str = r#"{"v":1,"type":"weather","ts":"2026-11-25T00:00:00.000Z","seq":8,"pid":1,"uptime_ms":5,"sun":true}"#;

fn parsed(text: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let raw = RawLine {
        number: 1,
        bytes: text,
        end: LineEnd::Feed,
    };
    parse(raw, |line| lines.push(line));
    lines
}

fn record(text: &str) -> Line {
    Line::Record(Box::new(Record::parse(text).unwrap()))
}

#[test]
fn a_line_is_a_record_known_or_not_or_with_more_than_is_known() {
    assert_eq!(parsed(GC.as_bytes()), [record(GC)]);
    let newer = GC.replace("\"pools\"", "\"colour\":{\"a\":[1]},\"pools\"");
    assert_eq!(parsed(newer.as_bytes()), [record(GC)]);
    match parsed(NEWER.as_bytes()).as_slice() {
        [Line::Record(record)] => {
            assert_eq!((record.kind.as_str(), record.seq), ("weather", 8));
            assert!(matches!(&record.body, Body::Unknown(fields) if fields["sun"] == true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_after_something_else_is_found() {
    let text = format!("INFO no line feed{GC}");
    let foreign = Line::Problem(Problem::Foreign("INFO no line feed".into()));
    assert_eq!(parsed(text.as_bytes()), [foreign, record(GC)]);

    let torn = format!("{}{GC}", &GC[..50]);
    assert_eq!(
        parsed(torn.as_bytes()),
        [Line::Problem(Problem::Torn), record(GC)]
    );

    let all = format!("{NEWER}{GC}{GC}");
    assert_eq!(
        parsed(all.as_bytes()),
        [record(NEWER), record(GC), record(GC)]
    );

    let spoilt = [b"\xff\xfe ", GC.as_bytes()].concat();
    let foreign = Line::Problem(Problem::Foreign("\u{fffd}\u{fffd} ".into()));
    assert_eq!(
        parsed(&spoilt),
        [Line::Problem(Problem::NotUtf8(1)), foreign, record(GC)]
    );
}

#[test]
fn what_is_wrong_is_told_in_words() {
    let word = |text: &str| match parsed(text.as_bytes()).as_slice() {
        [Line::Problem(problem)] => problem.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(word(&GC[..80]), "the record breaks off in the middle");
    let wrong = GC.replace("1.5,\"pauses\"", "\"long\",\"pauses\"");
    let end = wrong.find("\"long\"").unwrap() + "\"long\"".len();
    assert_eq!(
        word(&wrong),
        format!(
            "gc record with seq 7: invalid type: string \"long\", expected f64 at column {end}"
        )
    );
    assert_eq!(
        word(&GC.replace("\"v\":1", "\"v\":9999999999")),
        "a record of version 9999999999 of the format, this program reads version 1: use another finwatch"
    );
    assert_eq!(
        word("{\"level\":\"\u{1b}[31minfo\"}"),
        r#"not a finwatch record: '{"level":"\u{1b}[31minfo"}'"#
    );
    assert_eq!(word("{\"v\":1,"), "the record breaks off in the middle");
    assert_eq!(parsed(b" \r"), []);
}

proptest! {
    /// Whatever the sizes of reads and blocks, the lines are those of the file.
    #[test]
    fn blocks_lose_nothing(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("", |b| *b != b'\n'), 0..40), 0..40),
        ends_with_feed: bool,
        size in 1usize..50,
        longest in 10usize..60,
    ) {
        let mut file = lines.join(&b'\n');
        if ends_with_feed {
            file.push(b'\n');
        }
        let mut expected: Vec<&[u8]> = file.split(|b| *b == b'\n').collect();
        // After the last line feed there is no line, but a line of its own is one before it.
        if expected.last().is_some_and(|line| line.is_empty()) {
            expected.pop();
        }
        let mut blocks = Blocks::with_sizes(file.as_slice(), 0, size, longest);
        let mut seen = 0;
        while let Some(block) = blocks.next() {
            for line in block.lines() {
                let whole = expected[seen];
                seen += 1;
                prop_assert_eq!(line.number, seen as u64);
                match line.end {
                    LineEnd::Cut(length) => {
                        prop_assert!(whole.starts_with(line.bytes) && whole.len() > longest);
                        prop_assert_eq!(length, whole.len() as u64);
                    }
                    LineEnd::Feed => prop_assert_eq!(line.bytes, whole),
                    LineEnd::File => {
                        prop_assert_eq!(line.bytes, whole);
                        prop_assert!(seen == expected.len() && !file.ends_with(b"\n"));
                    }
                }
            }
        }
        prop_assert_eq!(seen, expected.len());
    }

    /// No bytes make it panic, and every line that is not empty gives something.
    #[test]
    fn any_bytes_are_told(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        prop_assume!(!bytes.trim_ascii().is_empty());
        prop_assert!(!parsed(&bytes).is_empty());
    }

    /// A record survives whatever stands before it.
    #[test]
    fn a_record_is_found_behind_anything(text in "[^\n]{0,40}") {
        let line = format!("{text}{GC}");
        prop_assert_eq!(parsed(line.as_bytes()).pop(), Some(record(GC)));
    }

    /// A record that was cut off or changed anywhere is a record or a problem, never a panic.
    #[test]
    fn a_damaged_record_is_told(at in 0..GC.len(), with: u8, cut: bool) {
        let mut bytes = GC.as_bytes().to_vec();
        bytes[at] = with;
        if cut {
            bytes.truncate(at + 1);
        }
        prop_assert!(!parsed(&bytes).is_empty() || bytes.trim_ascii().is_empty());
    }
}

/// A file of these bytes, and what opening it says or what it holds.
fn opened(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let name = file.path().as_os_str();
    let mut read = Vec::new();
    match Source::open(name) {
        Ok(mut source) => source
            .read_to_end(&mut read)
            .map(|_| read)
            .map_err(|e| e.to_string()),
        Err(error) => Err(format!("{error:#}").replace(&*name.to_string_lossy(), "NAME")),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_source_is_a_file_compressed_or_not_and_else_a_word() {
    assert_eq!(opened(b""), Ok(vec![]));
    assert_eq!(opened(GC.as_bytes()), Ok(GC.into()));
    // As logrotate makes them, and two of them one after the other.
    let twice = [gzip(GC.as_bytes()), gzip(NEWER.as_bytes())].concat();
    assert_eq!(opened(&twice), Ok(format!("{GC}{NEWER}").into()));
    assert_eq!(
        opened(b"JAVA PROFILE 1.0.2\0"),
        Err("'NAME' is not a finwatch stream: it is a heap dump, which `finwatch heap` reads, and `finwatch explain` from a file or '-'".into())
    );

    let word = |name: &str| match Source::open(OsStr::new(name)) {
        Ok(_) => panic!("{name} can be opened"),
        Err(error) => format!("{error:#}"),
    };
    assert_eq!(
        word("no/such\x1bfile"),
        r"'no/such\u{1b}file' can't be read: No such file or directory (os error 2)"
    );
    assert_eq!(word("/"), "'/' is a directory: name the files in it");
}

#[test]
fn all_sources_are_read_in_order_and_what_fails_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let line = |i: usize| format!("{i} {}\n", "x".repeat(i % 5000));
    let whole: String = (0..3000).map(line).collect();
    let broken = &gzip(whole.as_bytes())[..2000];
    let files = [("a", whole.as_bytes()), ("b", broken), ("c", b"last")];
    let sources: Vec<Source> = files
        .iter()
        .map(|(name, bytes)| {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Source::open(path.as_os_str()).unwrap()
        })
        .collect();

    let blocks = Mutex::new(0);
    let mut seen = vec![Vec::new(); 3];
    let work = |block: Block| {
        *blocks.lock().unwrap() += 1;
        let lines = block.lines().map(|line| (line.number, line.bytes.to_vec()));
        (block.source, lines.collect::<Vec<_>>())
    };
    let failed = read(sources, work, |(source, lines)| seen[source].extend(lines));

    assert!(*blocks.lock().unwrap() > 6);
    let numbered = |text: &str| -> Vec<(u64, Vec<u8>)> {
        let lines = text.lines().map(|line| line.as_bytes().to_vec());
        (1..).zip(lines).collect()
    };
    assert!(seen[0] == numbered(&whole));
    // As much as could be decompressed.
    let (partial, complete) = seen[1].split_last().unwrap();
    assert!(complete == &seen[0][..complete.len()]);
    assert!(seen[0][complete.len()].1.starts_with(&partial.1));
    assert_eq!(seen[2], [(1, b"last".to_vec())]);
    assert_eq!(
        failed.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
        [1]
    );
}
