//! Numbers as people read them, in few columns.

pub use finwatch_hprof::words::{by_number, counted, grouped};

/// Thousand, million, …
const MAGNITUDES: [(f64, char); 5] = [(1e3, 'k'), (1e6, 'M'), (1e9, 'G'), (1e12, 'T'), (1e15, 'P')];

/// Binary units, as `-Xmx` takes them.
const UNITS: [(f64, char); 5] = [
    (1024.0, 'K'),
    (1048576.0, 'M'),
    (1073741824.0, 'G'),
    (1099511627776.0, 'T'),
    (1125899906842624.0, 'P'),
];

/// A count with its thousands set apart, or in thousands, millions … where that is longer
/// than `width`: `150,500`, `1.51M`.
pub fn count(number: u64, width: usize) -> String {
    let grouped = grouped(number);
    if grouped.len() <= width {
        grouped
    } else {
        scaled(number as f64, &MAGNITUDES)
    }
}

/// Something a second, with three digits or more.
pub fn rate(per_second: f64, width: usize) -> String {
    if per_second == 0.0 {
        "0".to_owned()
    } else if per_second < 99.95 {
        three_digits(per_second)
    } else {
        count(per_second.round() as u64, width)
    }
}

/// Bytes with a binary unit: `45.8M`.
pub fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, &UNITS)
}

/// A duration in nanoseconds: `950ns`, `15.2us`, `1.20ms`, `3.40s`, `2m05s`.
pub fn nanoseconds(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns}ns"),
        // 999.5 and more would be written with four digits.
        1_000..999_500 => three_digits(ns as f64 / 1e3) + "us",
        _ => milliseconds(ns as f64 / 1e6),
    }
}

/// A duration in milliseconds: `1.20ms`, `3.40s`, `2m05s`.
pub fn milliseconds(ms: f64) -> String {
    if ms < 999.5 {
        three_digits(ms) + "ms"
    } else if ms < 59_950.0 {
        three_digits(ms / 1e3) + "s"
    } else {
        time((ms / 1e3).round() as u64)
    }
}

/// A time in seconds, its two greatest units: `45s`, `2m05s`, `3h12m`, `5d03h`.
pub fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

fn scaled(number: f64, units: &[(f64, char)]) -> String {
    // From 999.5 on three digits are not enough.
    let unit = units.iter().rev().find(|(size, _)| number >= size * 0.9995);
    match unit {
        Some((size, name)) => format!("{}{name}", three_digits(number / size)),
        None => format!("{number}"),
    }
}

fn three_digits(number: f64) -> String {
    if number < 9.995 {
        format!("{number:.2}")
    } else if number < 99.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_have_their_thousands_set_apart_where_there_is_room() {
        assert_eq!(count(0, 1), "0");
        assert_eq!(count(150_500, 7), "150,500");
        assert_eq!(count(150_500, 6), "150k");
        assert_eq!(count(1_509_999, 8), "1.51M");
        assert_eq!(count(999_999, 6), "1.00M");
        assert_eq!(count(u64::MAX, 26), "18,446,744,073,709,551,615");
        assert_eq!(count(u64::MAX, 8), "18447P");
    }

    #[test]
    fn rates_have_three_digits() {
        let shown = [0.0, 0.2, 3.456, 45.67, 99.96, 12_345.6].map(|number| rate(number, 7));
        assert_eq!(shown, ["0", "0.20", "3.46", "45.7", "100", "12,346"]);
    }

    #[test]
    fn bytes_are_binary() {
        let shown = [0, 1023, 1024, 45_805_624, 1 << 30, 3 << 40].map(bytes);
        assert_eq!(shown, ["0", "1023", "1.00K", "43.7M", "1.00G", "3.00T"]);
    }

    #[test]
    fn durations_from_nanoseconds_to_days() {
        let shown = [
            0,
            999,
            1000,
            15_230,
            999_600,
            1_200_000,
            3_400_000_000,
            125_000_000_000,
        ]
        .map(nanoseconds);
        assert_eq!(
            shown,
            [
                "0ns", "999ns", "1.00us", "15.2us", "1.00ms", "1.20ms", "3.40s", "2m05s"
            ]
        );
        let shown = [0, 59, 60, 3599, 3600, 86_399, 86_400, 900_000].map(time);
        assert_eq!(
            shown,
            [
                "0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "10d10h"
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_scaled_is_short(number: u64, ns: u64) {
            prop_assert!(count(number, 0).len() <= 6, "{}", count(number, 0));
            prop_assert!(bytes(number).len() <= 6, "{}", bytes(number));
            prop_assert!(nanoseconds(ns).len() <= 10, "{}", nanoseconds(ns));
        }
    }
}
