//! All mistakes in one message, and how text that somebody gave is echoed.
//!
//! The message goes to a terminal or a log that somebody else reads: control characters
//! and broken UTF-8 are shown escaped, and its size does not grow with the input.

use std::fmt;

/// Most mistakes that are told one by one.
const MOST_TOLD: usize = 20;
/// Most bytes of a value that are echoed, escapes included.
const LONGEST_QUOTE: usize = 64;
/// Most bytes of a file's path that are echoed, escapes included.
const LONGEST_PATH: usize = 256;

/// What is wrong with the options: all of it, complete for stderr, at most a few KiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes {
    told: Vec<String>,
    more: usize,
}

impl Mistakes {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub(super) fn add(&mut self, mistake: String) {
        if self.told.len() < MOST_TOLD {
            self.told.push(mistake);
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.told.len() + self.more {
            1 => writeln!(f, "finwatch: 1 mistake in the options:")?,
            count => writeln!(f, "finwatch: {count} mistakes in the options:")?,
        }
        for mistake in &self.told {
            writeln!(f, "  {mistake}")?;
        }
        if self.more > 0 {
            writeln!(f, "  and {} more", self.more)?;
        }
        write!(
            f,
            "The option help, alone, prints all options and their values."
        )
    }
}

impl std::error::Error for Mistakes {}

/// A value as given, in quotes, escaped and shortened.
pub(super) fn quoted(given: &[u8]) -> String {
    let (text, whole) = escaped(given, LONGEST_QUOTE);
    if whole {
        format!("\"{text}\"")
    } else {
        format!("\"{text}...\" ({} bytes)", given.len())
    }
}

/// The path of a file as given, escaped and shortened.
pub(super) fn file_name(path: &[u8]) -> String {
    match escaped(path, LONGEST_PATH) {
        (text, true) => text,
        (text, false) => text + "...",
    }
}

/// The escaped text, at most so many bytes, and whether that is all of it.
fn escaped(given: &[u8], most: usize) -> (String, bool) {
    // No character is longer than its escape, so what is cut here could not be shown.
    let start = &given[..given.len().min(most + 1)];
    let mut text = String::new();
    for chunk in start.utf8_chunks() {
        let characters = chunk.valid().chars().map(|c| match c {
            '\'' | '\\' => c.to_string(),
            c => c.escape_debug().to_string(),
        });
        let bytes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
        for piece in characters.chain(bytes) {
            if text.len() + piece.len() > most {
                return (text, false);
            }
            text += &piece;
        }
    }
    (text, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_safe_to_print() {
        for (given, shown) in [
            (&b"5 s"[..], r#""5 s""#),
            (b"", r#""""#),
            (b"a\"b'c\\,d", r#""a\"b'c\,d""#),
            (b"\x1b[31m\n\0\x7f", r#""\u{1b}[31m\n\0\u{7f}""#),
            (b"caf\xe9", r#""caf\xe9""#),
            ("caf\u{e9}".as_bytes(), "\"caf\u{e9}\""),
            (
                "\u{202e}\u{2028}\u{85}".as_bytes(),
                r#""\u{202e}\u{2028}\u{85}""#,
            ),
        ] {
            assert_eq!(quoted(given), shown);
        }
    }

    #[test]
    fn quotes_are_short() {
        assert_eq!(quoted(&[b'x'; 64]), format!("\"{}\"", "x".repeat(64)));
        assert_eq!(
            quoted(&[b'x'; 65]),
            format!("\"{}...\" (65 bytes)", "x".repeat(64))
        );
        let bells = quoted(&[7; 100_000]);
        assert!(bells.len() < 100, "{bells}");
        assert!(bells.ends_with("...\" (100000 bytes)"), "{bells}");
    }

    #[test]
    fn a_cut_inside_a_character_does_not_break_it() {
        let given = "\u{e9}".repeat(40);
        assert_eq!(
            quoted(given.as_bytes()),
            format!("\"{}...\" (80 bytes)", "\u{e9}".repeat(32))
        );
    }

    #[test]
    fn the_rest_is_counted() {
        let mut many = Mistakes::default();
        (1..=40).for_each(|n| many.add(format!("number {n}")));
        let message = many.to_string();
        assert!(message.starts_with("finwatch: 40 mistakes in the options:\n  number 1\n"));
        assert!(
            message.contains("\n  number 20\n  and 20 more\n"),
            "{message}"
        );
    }
}
