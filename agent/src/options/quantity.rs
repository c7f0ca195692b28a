//! Numbers, durations and sizes as the options write them, and back.
//!
//! A unit is never guessed: a bare `5` for a duration is a mistake, since half of the
//! tools in this field mean seconds by it and the other half milliseconds.

use std::{ops::RangeInclusive, time::Duration};

use super::mistake::quoted;

/// Units of a duration in milliseconds, longest first.
const DURATION_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Units of a size in bytes, largest first.
const SIZE_UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// The letters of `-Xmx`, which everybody who starts a JVM knows, in both cases.
const JVM_SIZE_LETTERS: [(&str, u64); 4] = [
    ("t", 1 << 40),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("k", 1 << 10),
];

/// A whole number without sign or unit.
pub(super) fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let (number, rest) = leading_number(text)?;
    if !rest.is_empty() {
        return Err(format!("{} does not belong there", quoted(rest.as_bytes())));
    }
    let number = within(
        number,
        u64::from(*range.start())..=u64::from(*range.end()),
        |n| n.to_string(),
    )?;
    u32::try_from(number).map_err(|_| TOO_LARGE.to_owned())
}

/// Bytes: a whole number and its unit, together or with blanks between.
pub(super) fn size(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let (number, unit) = leading_number(text)?;
    let unit = unit.trim_ascii_start();
    let bytes_each = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .or_else(|| {
            let letters = &mut JVM_SIZE_LETTERS.iter();
            letters.find(|(letter, _)| letter.eq_ignore_ascii_case(unit))
        })
        .map(|(_, bytes)| *bytes)
        .ok_or_else(|| unknown_unit(unit))?;
    let bytes = number.checked_mul(bytes_each).ok_or(TOO_LARGE)?;
    within(bytes, range, show_size)
}

/// One or more whole numbers with their units, longest unit first, each at most once.
pub(super) fn duration(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let mut rest = text;
    let mut units = DURATION_UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if !DURATION_UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(unknown_unit(unit));
        }
        let (_, milliseconds_each) = units
            .find(|(name, _)| *name == unit)
            .ok_or("its units are not in the order h, m, s, ms, each once")?;
        total = number
            .checked_mul(*milliseconds_each)
            .and_then(|milliseconds| total.checked_add(milliseconds))
            .ok_or(TOO_LARGE)?;
        rest = next;
    }
    within(Duration::from_millis(total), range, show_duration)
}

/// As [`duration`] reads it; a part of a millisecond is lost.
pub(super) fn show_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, milliseconds) in DURATION_UNITS {
        if rest >= milliseconds {
            text += &format!("{}{unit}", rest / milliseconds);
            rest %= milliseconds;
        }
    }
    if text.is_empty() {
        "0ms".to_owned()
    } else {
        text
    }
}

/// As [`size`] reads it, in the largest unit that loses nothing.
pub(super) fn show_size(bytes: u64) -> String {
    let fits = |(_, each): &&(&str, u64)| bytes >= *each && bytes.is_multiple_of(*each);
    match SIZE_UNITS.iter().find(fits) {
        Some((unit, each)) => format!("{}{unit}", bytes / each),
        None => format!("{bytes}B"),
    }
}

const TOO_LARGE: &str = "too large";

fn leading_number(text: &str) -> Result<(u64, &str), String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Err("a number is missing".to_owned());
    }
    let number = digits.parse().map_err(|_| TOO_LARGE.to_owned())?;
    Ok((number, rest))
}

fn unknown_unit(unit: &str) -> String {
    match unit {
        "" => "the unit is missing".to_owned(),
        unit => format!("{} is no unit here", quoted(unit.as_bytes())),
    }
}

fn within<T: PartialOrd + Copy>(
    value: T,
    range: RangeInclusive<T>,
    show: impl Fn(T) -> String,
) -> Result<T, String> {
    if value < *range.start() {
        Err(format!("less than {}", show(*range.start())))
    } else if value > *range.end() {
        Err(format!("more than {}", show(*range.end())))
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_duration(text: &str) -> Result<Duration, String> {
        duration(text, Duration::ZERO..=Duration::MAX)
    }

    fn any_size(text: &str) -> Result<u64, String> {
        size(text, 0..=u64::MAX)
    }

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("100ms", 100),
            ("5s", 5_000),
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1h2m3s4ms", 3_723_004),
            ("1h4ms", 3_600_004),
            ("0s", 0),
            ("007s", 7_000),
        ] {
            assert_eq!(
                any_duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn duration_mistakes() {
        for (text, what) in [
            ("5", "the unit is missing"),
            ("1m30", "the unit is missing"),
            ("5sec", r#""sec" is no unit here"#),
            ("5S", r#""S" is no unit here"#),
            ("5 s", r#"" s" is no unit here"#),
            ("0.5s", r#""." is no unit here"#),
            ("s", "a number is missing"),
            ("-5s", "a number is missing"),
            ("+5s", "a number is missing"),
            ("\u{665}s", "a number is missing"),
            (
                "30s1m",
                "its units are not in the order h, m, s, ms, each once",
            ),
            (
                "1s1s",
                "its units are not in the order h, m, s, ms, each once",
            ),
            ("99999999999999999999s", "too large"),
            ("18446744073709551615h", "too large"),
            ("18446744073709551615ms", "more than 1h"),
            ("9ms", "less than 10ms"),
            ("1h1ms", "more than 1h"),
        ] {
            let range = Duration::from_millis(10)..=Duration::from_secs(3600);
            assert_eq!(duration(text, range), Err(what.to_owned()), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0B", 0),
            ("65537B", 65_537),
            ("64KiB", 65_536),
            ("64 MiB", 64 << 20),
            ("3GiB", 3 << 30),
            ("1TiB", 1 << 40),
            ("64m", 64 << 20),
            ("64M", 64 << 20),
            ("64k", 64 << 10),
            ("2G", 2 << 30),
            ("1t", 1 << 40),
        ] {
            assert_eq!(any_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn size_mistakes() {
        for (text, what) in [
            ("64", "the unit is missing"),
            ("64MB", r#""MB" is no unit here"#),
            ("64mib", r#""mib" is no unit here"#),
            ("1.5GiB", r#"".5GiB" is no unit here"#),
            ("MiB", "a number is missing"),
            ("-1MiB", "a number is missing"),
            ("99999999999999999999B", "too large"),
            ("18446744073709551615KiB", "too large"),
            ("9B", "less than 10B"),
            ("1025B", "more than 1KiB"),
        ] {
            assert_eq!(size(text, 10..=1024), Err(what.to_owned()), "{text}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(number("0", 0..=9), Ok(0));
        assert_eq!(number("9", 0..=9), Ok(9));
        for (text, what) in [
            ("10", "more than 9"),
            ("0", "less than 1"),
            ("4294967297", "more than 9"),
            ("18446744073709551616", "too large"),
            ("5x", r#""x" does not belong there"#),
            ("five", "a number is missing"),
            ("-1", "a number is missing"),
        ] {
            assert_eq!(number(text, 1..=9), Err(what.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for milliseconds in [0, 1, 999, 1_000, 61_001, 3_599_999, 3_600_000] {
            let given = Duration::from_millis(milliseconds);
            assert_eq!(any_duration(&show_duration(given)), Ok(given));
        }
        for bytes in [
            0,
            1,
            1023,
            1024,
            1025,
            65_536,
            1 << 30,
            (1 << 40) - 1,
            u64::MAX,
        ] {
            assert_eq!(any_size(&show_size(bytes)), Ok(bytes));
        }
        assert_eq!(show_duration(Duration::from_secs(5_400)), "1h30m");
        assert_eq!(show_size(64 << 20), "64MiB");
    }
}
