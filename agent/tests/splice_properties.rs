//! Whatever bytes come in: a redirection answers with a class file that reads strictly, or refuses.
//!
//! Real class files are damaged in the ways that a program or a disk damages them. Whatever comes out
//! is read again, every branch and frame falls on an instruction (`splice::check`), and a second
//! redirection finds nothing left to do.

use std::path::Path;
use std::{env, fs};

use finwatch::splice::{self, Refused};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestRunner};

#[derive(Debug, Clone)]
enum Damage {
    FlipBit(Index, u8),
    Overwrite(Index, u16),
    Cut(Index),
    Remove(Index, u8),
    Insert(Index, Vec<u8>),
    /// Puts a piece of another class file over (or between) what is there.
    Splice {
        from: usize,
        start: Index,
        length: u8,
        to: Index,
        over: bool,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    let interesting = prop_oneof![Just(0), Just(1), Just(u16::MAX), 0..300_u16, any::<u16>()];
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::FlipBit(at, bit)),
        4 => (any::<Index>(), interesting).prop_map(|(at, value)| Damage::Overwrite(at, value)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), 1..9_u8).prop_map(|(at, count)| Damage::Remove(at, count)),
        1 => (any::<Index>(), vec(any::<u8>(), 1..9)).prop_map(|(at, new)| Damage::Insert(at, new)),
        2 => (any::<usize>(), any::<Index>(), 1..=255_u8, any::<Index>(), any::<bool>()).prop_map(
            |(from, start, length, to, over)| Damage::Splice { from, start, length, to, over }
        ),
    ]
}

impl Damage {
    fn apply(&self, class_file: &mut Vec<u8>, others: &[Vec<u8>]) {
        let length = class_file.len();
        if length == 0 {
            return;
        }
        match self {
            Damage::FlipBit(at, bit) => class_file[at.index(length)] ^= 1 << bit,
            Damage::Overwrite(at, value) => {
                let at = at.index(length);
                for (byte, new) in class_file[at..].iter_mut().zip(value.to_be_bytes()) {
                    *byte = new;
                }
            }
            Damage::Cut(at) => class_file.truncate(at.index(length)),
            Damage::Remove(at, count) => {
                let at = at.index(length);
                class_file.drain(at..length.min(at + usize::from(*count)));
            }
            Damage::Insert(at, new) => {
                let at = at.index(length);
                class_file.splice(at..at, new.iter().copied());
            }
            Damage::Splice {
                from,
                start,
                length: count,
                to,
                over,
            } => {
                let other = &others[from % others.len()];
                let start = start.index(other.len());
                let piece = &other[start..other.len().min(start + usize::from(*count))];
                let to = to.index(length);
                let end = if *over {
                    length.min(to + piece.len())
                } else {
                    to
                };
                class_file.splice(to..end, piece.iter().copied());
            }
        }
    }
}

const JDKS: [&str; 8] = ["8", "11", "17", "21", "25", "26", "27", "28"];

/// Both classes of some JDKs, as shipped and as reconstituted.
fn classes_of(jdks: &[&str]) -> Vec<Vec<u8>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut classes = Vec::new();
    for jdk in jdks {
        for form in ["shipped", "reconstituted"] {
            for name in ["Finalizer.class", "ReferenceQueue.class"] {
                classes.push(fs::read(golden.join(jdk).join(form).join(name)).unwrap());
            }
        }
    }
    classes
}

/// Both classes of every JDK and in both forms, as they come and redirected.
fn real_classes() -> Vec<Vec<u8>> {
    let mut classes = classes_of(&JDKS);
    let redirected = |class: &Vec<u8>| splice::finalizer(class).or(splice::reference_queue(class));
    let redirected: Vec<_> = classes
        .iter()
        .map(|class| redirected(class).unwrap())
        .collect();
    classes.extend(redirected);
    classes
}

/// What holds for any bytes. Returns how many of the three rewritings came out.
fn valid_or_refused(class_file: &[u8]) -> Result<u32, TestCaseError> {
    let renames = [
        (
            "jdk/internal/access/JavaLangAccess",
            "sun/misc/JavaLangAccess",
        ),
        ("java/lang/Object", "java/lang/ref/Object"),
    ];
    let mut rewritten = 0;
    for redirection in [splice::finalizer, splice::reference_queue] {
        if let Some(redirected) = outcome(redirection(class_file))? {
            prop_assert_eq!(redirection(&redirected), Err(Refused::AlreadyRedirected));
            rewritten += 1;
        }
    }
    rewritten += u32::from(outcome(splice::shim(class_file, &renames))?.is_some());
    let _ = splice::vm_names(class_file, class_file);
    let pool = class_file.get(10..).unwrap_or_default();
    let count = class_file
        .get(8..10)
        .map_or(0, |count| u16::from_be_bytes([count[0], count[1]]));
    let _ = splice::calls_hook(class_file, count, pool, "registered");
    Ok(rewritten)
}

fn outcome(result: Result<Vec<u8>, Refused>) -> Result<Option<Vec<u8>>, TestCaseError> {
    match result {
        Ok(class_file) => {
            prop_assert_eq!(splice::check(&class_file), Ok(()));
            Ok(Some(class_file))
        }
        Err(refused) => {
            let message = refused.to_string();
            prop_assert!(message.len() < 800, "{} bytes: {message}", message.len());
            prop_assert!(!message.contains(char::is_control), "{message:?}");
            Ok(None)
        }
    }
}

/// Damages real classes in `cases` ways; tells how many still came out rewritten.
fn damage_real_classes(cases: u32, seed: RngSeed) -> u64 {
    let classes = real_classes();
    let strategy = (0..classes.len(), vec(damage(), 1..6));
    let config = Config {
        cases,
        rng_seed: seed,
        failure_persistence: None,
        ..Config::default()
    };
    let rewritten = std::cell::Cell::new(0);
    let result = TestRunner::new(config).run(&strategy, |(class, damages)| {
        let mut class_file = classes[class].clone();
        damages
            .iter()
            .for_each(|damage| damage.apply(&mut class_file, &classes));
        rewritten.set(rewritten.get() + u64::from(valid_or_refused(&class_file)?));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    rewritten.get()
}

#[test]
fn damaged_classes_come_out_valid_or_are_refused() {
    // Both ways out must have been seen.
    let rewritten = damage_real_classes(1000, RngSeed::Random);
    assert!(
        (1..9000).contains(&rewritten),
        "{rewritten} of 9000 rewritten"
    );
}

/// `FINWATCH_FUZZ_CASES=10000000 cargo test --release --test splice_properties -- --ignored --nocapture`
#[test]
#[ignore = "runs for minutes"]
fn damaged_classes_for_a_long_time() {
    let cases = env::var("FINWATCH_FUZZ_CASES").map_or(1_000_000, |cases| cases.parse().unwrap());
    let rewritten = damage_real_classes(cases, RngSeed::Random);
    eprintln!("{cases} damaged class files, {rewritten} rewritings came out valid");
}

#[test]
fn every_truncation_is_refused() {
    for class_file in classes_of(&["8", "28"]) {
        for length in 0..class_file.len() {
            for redirection in [splice::finalizer, splice::reference_queue] {
                let refused = redirection(&class_file[..length]);
                assert!(
                    matches!(refused, Err(Refused::Malformed(_))),
                    "{length}: {refused:?}"
                );
            }
        }
    }
}

/// A count or length that promises more than there is must not be believed.
#[test]
fn hostile_lengths_are_refused() {
    for class_file in classes_of(&["28"]) {
        for at in 8..class_file.len() - 4 {
            let mut hostile = class_file.clone();
            hostile[at..at + 4].fill(0xff);
            valid_or_refused(&hostile).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(bytes in vec(any::<u8>(), 0..512), magic in any::<bool>()) {
        let magic: &[u8] = if magic { b"\xCA\xFE\xBA\xBE\0\0\0\x34" } else { b"" };
        prop_assert_eq!(valid_or_refused(&[magic, &bytes].concat())?, 0);
    }
}
