//! The one table of the options: parsing, `help`, the README and the words of a
//! mistake all come from it, so a new option is one entry here.
//!
//! A parser never names its key; [`super::layer`] adds it, with what was given and what
//! is wanted.

use std::{path::Path, time::Duration};

use super::{Facts, LogLevel, Options, Sites, destination, quantity};

/// One option.
pub(super) struct Key {
    /// As the user writes it.
    pub name: &'static str,
    /// Value in force where nobody says otherwise, in the words of the user.
    pub default: Option<&'static str>,
    /// Short form of the value, for the table.
    pub form: &'static str,
    /// What is wanted, in full, for a mistake.
    pub wanted: &'static str,
    /// What it does; the first line of the prose in `help`.
    pub meaning: &'static str,
    /// Puts a value into the options; the error says what is wrong with it.
    pub set: fn(&mut Options, &str, &Facts) -> Result<(), String>,
    /// The value in force, in a form that [`Key::set`] reads back to the same.
    pub show: fn(&Options) -> Option<String>,
}

const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60 * 60);
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const MOST_OBJECTS: u32 = 1_000_000_000;
const SMALLEST_FILE: u64 = 64 << 10;
const LARGEST_FILE: u64 = 1 << 40;
const MOST_FILES: u32 = 1000;
const MOST_CLASSES: u32 = 4096;

/// Every option, in the order of the tables.
pub(super) static KEYS: [Key; 16] = [
    Key {
        name: "out",
        default: Some("finwatch-%p.jsonl"),
        form: "PATH | stdout | stderr | unix:PATH",
        wanted: "a file's PATH, stdout, stderr, or unix:PATH for a socket that someone listens on",
        meaning: "where the stream goes; unix: is a stream socket that someone listens on",
        set: |options, value, facts| {
            options.out = destination::parse(value, facts)?;
            Ok(())
        },
        show: |options| Some(destination::show(&options.out)),
    },
    Key {
        name: "interval",
        default: Some("5s"),
        form: "DURATION",
        wanted: "100ms to 1h, each number with its unit ms, s, m or h, such as 5s or 1m30s",
        meaning: "time between samples, 100ms to 1h",
        set: |options, value, _| {
            options.interval = quantity::duration(value, SHORTEST_INTERVAL..=LONGEST_INTERVAL)?;
            Ok(())
        },
        show: |options| Some(quantity::show_duration(options.interval)),
    },
    Key {
        name: "rotate",
        default: Some("64MiB"),
        form: "SIZE | off",
        wanted: "off, or 64KiB to 1TiB with a unit B, KiB, MiB, GiB or TiB (k, m, g, t as in -Xmx), \
                 such as 64MiB",
        meaning: "size at which a file is rotated at a line boundary, 64KiB to 1TiB",
        set: |options, value, _| {
            options.rotate_bytes = match value {
                "off" => Options::NEVER_ROTATE,
                size => quantity::size(size, SMALLEST_FILE..=LARGEST_FILE)?,
            };
            Ok(())
        },
        show: |options| {
            Some(match options.rotate_bytes {
                Options::NEVER_ROTATE => "off".to_owned(),
                bytes => quantity::show_size(bytes),
            })
        },
    },
    Key {
        name: "keep",
        default: Some("5"),
        form: "NUMBER",
        wanted: "a whole number from 0 to 1000",
        meaning: "how many rotated files stay, 0 to 1000",
        set: |options, value, _| {
            options.keep = quantity::number(value, 0..=MOST_FILES)?;
            Ok(())
        },
        show: |options| Some(options.keep.to_string()),
    },
    Key {
        name: "classes",
        default: Some("20"),
        form: "NUMBER",
        wanted: "a whole number from 0 to 4096",
        meaning: "classes that a sample lists, worst first, 0 to 4096; the rest is summed up",
        set: |options, value, _| {
            options.classes = quantity::number(value, 0..=MOST_CLASSES)? as usize;
            Ok(())
        },
        show: |options| Some(options.classes.to_string()),
    },
    Key {
        name: "gc",
        default: Some("on"),
        form: "on | off",
        wanted: "on or off",
        meaning: "a record per collection",
        set: |options, value, _| {
            options.gc = word(value, &[("on", true), ("off", false)])?;
            Ok(())
        },
        show: |options| Some(if options.gc { "on" } else { "off" }.to_owned()),
    },
    Key {
        name: "baseline",
        default: Some("on"),
        form: "on | off",
        wanted: "on or off",
        meaning: "count once what was registered before the agent came",
        set: |options, value, _| {
            options.baseline = word(value, &[("on", true), ("off", false)])?;
            Ok(())
        },
        show: |options| Some(if options.baseline { "on" } else { "off" }.to_owned()),
    },
    Key {
        name: "alerts",
        default: Some("on"),
        form: "on | off",
        wanted: "on or off",
        meaning: "a record for each thing that begins or ends to be wrong",
        set: |options, value, _| {
            options.alerts = word(value, &[("on", true), ("off", false)])?;
            Ok(())
        },
        show: |options| Some(if options.alerts { "on" } else { "off" }.to_owned()),
    },
    Key {
        name: "patience",
        default: Some("10s"),
        form: "DURATION",
        wanted: "1s to 24h, each number with its unit ms, s, m or h, such as 10s or 5m",
        meaning: "how long a trend must last to be an alert, 1s to 24h",
        set: |options, value, _| {
            options.patience = quantity::duration(value, SHORTEST_PATIENCE..=LONGEST_PATIENCE)?;
            Ok(())
        },
        show: |options| Some(quantity::show_duration(options.patience)),
    },
    Key {
        name: "stuck",
        default: Some("10s"),
        form: "DURATION",
        wanted: "1s to 24h, each number with its unit ms, s, m or h, such as 10s or 5m",
        meaning: "how long one call of finalize() may take, 1s to 24h",
        set: |options, value, _| {
            options.stuck = quantity::duration(value, SHORTEST_PATIENCE..=LONGEST_PATIENCE)?;
            Ok(())
        },
        show: |options| Some(quantity::show_duration(options.stuck)),
    },
    Key {
        name: "many",
        default: Some("1000"),
        form: "NUMBER",
        wanted: "a whole number from 1 to 1000000000",
        meaning: "fewer objects than this are never a leak or a backlog",
        set: |options, value, _| {
            options.many = quantity::number(value, 1..=MOST_OBJECTS)?.into();
            Ok(())
        },
        show: |options| Some(options.many.to_string()),
    },
    Key {
        name: "pause",
        default: Some("250ms"),
        form: "DURATION | off",
        wanted: "off, or 10ms to 10s, each number with its unit ms or s, such as 250ms",
        meaning: "longest stop to find what stacks and native code hold, 10ms to 10s",
        set: |options, value, _| {
            options.pause = match value {
                "off" => None,
                pause => Some(quantity::duration(pause, SHORTEST_PAUSE..=LONGEST_PAUSE)?),
            };
            Ok(())
        },
        show: |options| {
            Some(
                options
                    .pause
                    .map_or_else(|| "off".to_owned(), quantity::show_duration),
            )
        },
    },
    Key {
        name: "sites",
        default: Some("on"),
        form: "on | off | jvmti",
        wanted: "on, off or jvmti",
        meaning: "where objects are made: 1 registration in 1000, or JVMTI samples (JDK 11+)",
        set: |options, value, _| {
            options.sites = word(value, &SITES)?;
            Ok(())
        },
        show: |options| {
            let word = SITES.iter().find(|(_, sites)| *sites == options.sites);
            word.map(|(word, _)| (*word).to_owned())
        },
    },
    Key {
        name: "stall",
        default: Some("5s"),
        form: "DURATION | off",
        wanted: "off, or 1s to 24h, each number with its unit ms, s, m or h, such as 5s",
        meaning: "how long the JVM may stand still before that is told, 1s to 24h",
        set: |options, value, _| {
            options.stall = match value {
                "off" => None,
                stall => Some(quantity::duration(
                    stall,
                    SHORTEST_PATIENCE..=LONGEST_PATIENCE,
                )?),
            };
            Ok(())
        },
        show: |options| {
            Some(
                options
                    .stall
                    .map_or_else(|| "off".to_owned(), quantity::show_duration),
            )
        },
    },
    Key {
        name: "log",
        default: Some("warn"),
        form: "off | error | warn | info | debug",
        wanted: "off, error, warn, info or debug",
        meaning: "how much the agent itself says on stderr",
        set: |options, value, _| {
            options.log = word(value, &LOG_LEVELS)?;
            Ok(())
        },
        show: |options| {
            let level = LOG_LEVELS.iter().find(|(_, level)| *level == options.log);
            level.map(|(name, _)| (*name).to_owned())
        },
    },
    Key {
        name: "config",
        default: None,
        form: "PATH",
        wanted: "the PATH of a regular file with one key=value a line",
        meaning: "a file with more options, one key=value a line, # begins a comment line",
        set: |options, value, facts| {
            options.config = Some(destination::path(value, facts)?);
            Ok(())
        },
        show: |options| options.config.as_deref().map(show_path),
    },
];

const LOG_LEVELS: [(&str, LogLevel); 5] = [
    ("off", LogLevel::Off),
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
];

fn show_path(path: &Path) -> String {
    destination::show_path(path)
}

/// What `sites` may be.
const SITES: [(&str, Sites); 3] = [
    ("on", Sites::Registrations),
    ("off", Sites::Off),
    ("jvmti", Sites::Allocations),
];

fn word<T: Copy>(given: &str, words: &[(&str, T)]) -> Result<T, String> {
    words
        .iter()
        .find(|(word, _)| *word == given)
        .map(|(_, value)| *value)
        .ok_or_else(|| "not one of the known words".to_owned())
}

/// The option of this name.
pub(super) fn find(name: &[u8]) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.as_bytes() == name)
}

/// The known name that a mistyped one most probably means, if any is near: one that it
/// begins or that begins it, or at most one slip for three letters away.
pub(super) fn nearest(mistyped: &[u8]) -> Option<&'static str> {
    const LONGEST_WORTH_A_LOOK: usize = 32;
    let mistyped = std::str::from_utf8(mistyped).ok()?.to_lowercase();
    if mistyped.len() > LONGEST_WORTH_A_LOOK {
        return None;
    }
    let names = KEYS.iter().map(|key| key.name).chain(["help"]);
    let slips = |name: &str| {
        let related =
            mistyped.len() >= 2 && (mistyped.starts_with(name) || name.starts_with(&mistyped));
        let slips = strsim::osa_distance(&mistyped, name);
        if related { slips.min(1) } else { slips }
    };
    let (slips, name) = names.map(|name| (slips(name), name)).min()?;
    (slips <= name.len().max(mistyped.len()).div_ceil(3)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_case_and_beginnings() {
        for (mistyped, meant) in [
            ("intervall", "interval"),
            ("INTERVAL", "interval"),
            ("intreval", "interval"),
            ("int", "interval"),
            ("output", "out"),
            ("class", "classes"),
            ("rotation", "rotate"),
            ("gcs", "gc"),
            ("hlep", "help"),
        ] {
            assert_eq!(nearest(mistyped.as_bytes()), Some(meant), "{mistyped}");
        }
    }

    #[test]
    fn nearest_does_not_guess_wildly() {
        for strange in ["", "xyzzy", "threshold", "\u{fc}\u{fc}\u{fc}"] {
            assert_eq!(nearest(strange.as_bytes()), None, "{strange}");
        }
        assert_eq!(nearest(&[b'o'; 100_000]), None);
        assert_eq!(nearest(b"out\xff"), None);
    }
}
