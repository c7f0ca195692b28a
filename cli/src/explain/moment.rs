//! Moments and lengths of time as people say them.

use crate::time::timestamp;

/// A day, milliseconds.
const DAY_MS: u64 = 86_400_000;

/// A moment in milliseconds since 1970: `2026-11-25 04:42:12 UTC`.
pub fn utc(ms: u64) -> String {
    let timestamp = timestamp(ms);
    let to_the_second = timestamp.split('.').next().unwrap_or_default();
    format!("{} UTC", to_the_second.replace('T', " "))
}

/// The same; the time of day alone, `04:42:12`, where that is less than half a day from `now_ms`.
pub fn when(ms: u64, now_ms: u64) -> String {
    let utc = utc(ms);
    match utc.split(' ').nth(1) {
        Some(time) if ms.abs_diff(now_ms) < DAY_MS / 2 => time.to_owned(),
        _ => utc,
    }
}

/// How long so many milliseconds are: `45 s`, `12 min`, `3 h 12 min`, `5 d 3 h`.
pub fn length(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_near_by_need_no_date() {
        let ms = 1_795_573_242_008;
        assert_eq!(utc(ms), "2026-11-25 02:20:42 UTC");
        assert_eq!(when(ms, ms + DAY_MS / 4), "02:20:42");
        assert_eq!(when(ms, ms + DAY_MS), "2026-11-25 02:20:42 UTC");
        assert_eq!(utc(u64::MAX), "9999-12-31 23:59:59 UTC");
    }

    #[test]
    fn lengths_have_their_two_greatest_units_at_most() {
        let shown = [
            0,
            59_999,
            60_000,
            3_599_999,
            11_520_000,
            5 * DAY_MS + 10_800_000,
        ]
        .map(length);
        assert_eq!(
            shown,
            ["0 s", "59 s", "1 min", "59 min", "3 h 12 min", "5 d 3 h"]
        );
    }
}
