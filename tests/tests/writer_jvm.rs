//! Wherever the stream goes, the program notices nothing: same output, same exit code.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;

use finwatch_record::Record;
use finwatch_tests::{Case, Ended, Launch, any_case, for_each_jdk};
use nix::sys::stat::Mode;

/// 300 lines on both streams, some garbage, exit code 3.
const TALKER: [&str; 3] = ["subject.Talker", "300", "3"];

fn talk(launch: Launch) -> Ended {
    launch.program(&TALKER).run()
}

/// The beginning of every record.
const RECORD: &str = "{\"v\":1,";

/// What the program printed: the text without the agent's records and messages. A record
/// may stand behind the text of a line: println of JDK 8 writes the line feed by itself.
fn own_lines(text: &str) -> Vec<String> {
    let mut own = String::new();
    for line in text.split_inclusive('\n') {
        match line.find(RECORD) {
            Some(at) => own.push_str(&line[..at]),
            None => own.push_str(line),
        }
    }
    own.lines()
        .filter(|line| !is_ours(line))
        .map(String::from)
        .collect()
}

/// Whether a line is a message of the agent's.
fn is_ours(line: &str) -> bool {
    line.starts_with("finwatch")
}

fn records(text: &str) -> Vec<Record> {
    let ours = text
        .lines()
        .filter_map(|line| line.find(RECORD).map(|at| &line[at..]));
    ours.map(|line| Record::parse(line).unwrap_or_else(|e| panic!("{e} in {line}")))
        .collect()
}

fn assert_whole(records: &[Record]) {
    assert_eq!(
        records.first().map(|record| record.kind.as_str()),
        Some("start")
    );
    assert_eq!(
        records.last().map(|record| record.kind.as_str()),
        Some("stop")
    );
    let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (0..records.len() as u64).collect::<Vec<_>>());
}

/// Runs the program with the stream going to `out` and without the agent, and compares.
fn assert_unharmed(case: &Case, out: &str) -> Ended {
    let plain = talk(Launch::new(case).without_agent());
    let watched = talk(Launch::new(case).option("out", out));
    assert_eq!(watched.status.code(), Some(3));
    assert_eq!(
        own_lines(&watched.out()),
        own_lines(&plain.out()),
        "standard output with out={out}"
    );
    assert_eq!(
        own_lines(&watched.err()),
        own_lines(&plain.err()),
        "standard error with out={out}"
    );
    watched
}

#[test]
fn a_file() {
    for_each_jdk(|case| {
        let mut ended = assert_unharmed(case, "stream.jsonl");
        ended.stream().stop();
        assert_eq!(
            ended.err().lines().filter(|line| is_ours(line)).count(),
            0,
            "words without need"
        );
    });
}

#[test]
fn standard_output() {
    for_each_jdk(|case| assert_whole(&records(&assert_unharmed(case, "stdout").out())));
}

#[test]
fn standard_error() {
    for_each_jdk(|case| assert_whole(&records(&assert_unharmed(case, "stderr").err())));
}

#[test]
fn a_fifo_that_nobody_reads() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    assert_unharmed(&any_case(), &fifo.display().to_string());
}

#[test]
fn a_socket_with_a_listener() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let reader = std::thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        BufReader::new(connection)
            .lines()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
    });
    assert_unharmed(&any_case(), &format!("unix:{}", path.display()));
    assert_whole(&records(&reader.join().unwrap().join("\n")));
}

#[test]
fn a_socket_that_nobody_listens_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let ended = assert_unharmed(&any_case(), &format!("unix:{}", path.display()));
    assert_told(&ended);
}

#[test]
fn a_socket_whose_listener_never_reads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    assert_unharmed(&any_case(), &format!("unix:{}", path.display()));
}

#[test]
fn a_full_disk() {
    assert_told(&assert_unharmed(&any_case(), "/dev/full"));
}

#[test]
fn nowhere() {
    assert_unharmed(&any_case(), "/dev/null");
}

#[test]
fn directories_where_no_file_can_be() {
    for out in [
        "missing/stream.jsonl",
        "/proc/finwatch.jsonl",
        "/sys/finwatch.jsonl",
    ] {
        assert_told(&assert_unharmed(&any_case(), out));
    }
}

/// What fails is said, briefly: the program's log is not ours.
fn assert_told(ended: &Ended) {
    let err = ended.err();
    let words = err
        .lines()
        .filter(|line| line.starts_with("finwatch"))
        .count();
    assert!(
        (1..=3).contains(&words),
        "{words} lines about it on stderr:\n{err}"
    );
}

/// A program whose output nobody reads any more, as in `java … | head`.
#[test]
fn a_reader_of_standard_output_that_has_left() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = talk(
        Launch::new(&any_case())
            .option("out", "stdout")
            .stdout(writer),
    );
    assert_eq!(ended.status.code(), Some(3));
}
