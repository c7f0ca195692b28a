//! What needs a state of the whole process, hence a binary of its own, and a single test: the
//! harness says what has ended meanwhile, and where its output goes to a file, that would be past
//! the limit.
//!
//! A write past `RLIMIT_FSIZE` is the one way to a short write and a refused one that
//! needs no disk of its own; it also raises `SIGXFSZ`, which kills a process that does
//! not block or handle it. And a program may have closed its standard streams.

use std::{
    collections::BTreeMap,
    fs,
    os::{fd::IntoRawFd, unix::net::UnixListener},
    path::Path,
    thread,
    time::Duration,
};

use finwatch::{
    options::Destination,
    stream::Stream,
    writer::{Target, Writer, no_rounds},
};
use finwatch_record::{Body, Record};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn emit(stream: &Stream, records: usize) {
    let fields = BTreeMap::from([("filler".to_owned(), "x".repeat(100).into())]);
    (0..records).for_each(|_| stream.emit(Body::Unknown(fields.clone().into_iter().collect()), 1));
}

fn until(is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("waited in vain");
}

fn limit_file_size(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit {
        current: bytes.or(maximum),
        maximum,
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

fn seqs(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "half a line is left");
    let parse = |line| Record::parse(line).unwrap().seq;
    text.lines().map(parse).collect()
}

#[test]
fn one_after_the_other() {
    a_refused_write_leaves_whole_lines_and_the_stream_resumes_by_itself();
    a_closed_standard_stream_stays_the_programs_to_open();
}

fn a_refused_write_leaves_whole_lines_and_the_stream_resumes_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream.jsonl");
    let target = Target {
        out: Destination::File(path.clone()),
        rotate_bytes: u64::MAX,
        keep: 1,
    };
    limit_file_size(Some(1500));
    let (stream, writer) = Writer::start(&target, no_rounds).unwrap();
    emit(&stream, 50);
    until(|| stream.write_errors_total() >= 1 && stream.records_written_total() > 0);
    let written = seqs(&path);
    assert!(written.len() < 50);
    assert_eq!(written, (0..written.len() as u64).collect::<Vec<_>>());

    limit_file_size(None);
    emit(&stream, 1);
    until(|| stream.records_written_total() == 51);
    assert_eq!(seqs(&path), (0..51).collect::<Vec<_>>());
    assert_eq!(stream.records_dropped_total(), 0);
    assert!(writer.finish(Duration::from_secs(60)));
}

fn a_closed_standard_stream_stays_the_programs_to_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream.jsonl");
    let socket = dir.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    nix::unistd::close(0).unwrap();
    for out in [Destination::File(path), Destination::Unix(socket)] {
        let target = Target {
            out,
            rotate_bytes: 1,
            keep: 1,
        };
        let (stream, writer) = Writer::start(&target, no_rounds).unwrap();
        emit(&stream, 3);
        until(|| stream.records_written_total() == 3);
        assert!(fs::read_link("/proc/self/fd/0").is_err());
        assert!(writer.finish(Duration::from_secs(60)));
    }
    let stdin = fs::File::open("/dev/null").unwrap();
    assert_eq!(stdin.into_raw_fd(), 0);
}
