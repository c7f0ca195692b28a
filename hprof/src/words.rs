//! Numbers in sentences.

/// A number and what it counts: `1 element`, `1,200 elements`.
pub fn counted(number: u64, one: &str) -> String {
    let plural = by_number(number, "", "s");
    format!("{} {one}{plural}", grouped(number))
}

/// What is said of one, or of many.
pub fn by_number<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

/// Finalizable objects and the class of most of them.
pub fn finalizable(count: u64, class: &str) -> String {
    let objects = counted(count, "finalizable object");
    format!(
        "{objects}, {} {class},",
        by_number(count, "a", "most of them")
    )
}

/// For people: with commas between the thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// For people: how long, in its two largest units.
pub fn duration(ms: u64) -> String {
    let (seconds, minutes, hours, days) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {} min", minutes % 60),
        () if minutes > 0 => format!("{minutes} min {} s", seconds % 60),
        () => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(duration(59_999), "59 s");
        assert_eq!(duration(3_000_000), "50 min 0 s");
        assert_eq!(duration(7_260_000), "2 h 1 min");
        assert_eq!(duration(90_000_000), "1 d 1 h");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "element"), "1 element");
        assert_eq!(counted(0, "element"), "0 elements");
        assert_eq!(counted(1234, "element"), "1,234 elements");
        assert_eq!(by_number(1, "is", "are"), "is");
        assert_eq!(by_number(0, "is", "are"), "are");
        assert_eq!(finalizable(1, "p.C"), "1 finalizable object, a p.C,");
        assert_eq!(
            finalizable(7, "p.C"),
            "7 finalizable objects, most of them p.C,"
        );
    }
}
