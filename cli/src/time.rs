//! The times of records: RFC 3339 in UTC with milliseconds, `2026-11-25T00:36:26.808Z`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970, `None` where the text is no such time.
pub fn parse(text: &str) -> Option<u64> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let is_separated = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (23, b'Z'),
    ]
    .iter()
    .all(|&(at, separator)| bytes[at] == separator);
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0u64, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + u64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // A leap second is written as 60.
    let is_time = (1970..).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    (is_separated && is_time).then_some(seconds * 1000 + number(20, 23)?)
}

/// RFC 3339, UTC, milliseconds; the last moment of the year 9999 for what is later.
pub fn timestamp(ms: u64) -> String {
    const LAST_MS: u64 = 253_402_300_799_999;
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms.min(LAST_MS));
    humantime::format_rfc3339_millis(time).to_string()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of a date that there is, from 1970 on.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let before_year = (year.saturating_sub(1970)) * 365
        + leap_days(year.saturating_sub(1)).saturating_sub(leap_days(1969));
    let before_month: u64 = (1..month.min(13)).map(|month| days_in(year, month)).sum();
    before_year + before_month + day.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn times_are_those_of_date() {
        let times = [
            "1970-01-01T00:00:00.000Z",
            "1972-02-29T23:59:59.999Z",
            "2000-02-29T12:00:00.001Z",
            "2026-11-25T00:36:26.808Z",
            "2100-03-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ];
        for time in times {
            let date = Command::new("date")
                .args(["-u", "+%s%3N", "-d", time])
                .output()
                .unwrap();
            let date: u64 = String::from_utf8(date.stdout)
                .unwrap()
                .trim()
                .parse()
                .unwrap();
            assert_eq!(parse(time), Some(date), "{time}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-11-25",
            "2026-11-25T00:36:26.808+",
            "2026-11-25 00:36:26.808Z",
            "2026-02-29T00:36:26.808Z",
            "2026-13-01T00:36:26.808Z",
            "2026-11-25T24:36:26.808Z",
            "2026-11-25T00:36:26.8é8",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn any_time_is_one_of_the_calendar() {
        assert_eq!(timestamp(1_795_573_242_008), "2026-11-25T02:20:42.008Z");
        assert_eq!(timestamp(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn later_days_are_later(year in 1970u64..9999, month in 1u64..13, day in 1u64..28) {
            let at = |day| parse(&format!("{year:04}-{month:02}-{day:02}T00:00:00.000Z"));
            prop_assert_eq!(at(day).unwrap() + 24 * 3_600_000, at(day + 1).unwrap());
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.-]{24}|\\PC*") {
            parse(&text);
        }
    }
}
