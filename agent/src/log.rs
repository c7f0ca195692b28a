//! The agent's own words on the JVM's standard error.
//!
//! Any thread of the agent calls this, never a GC callback. It may not block, so a line
//! is given up when nobody drains stderr; it may not fail; and it may not grow or break
//! the terminal: a message is one line of at most [`MAX_BYTES`], its control characters
//! escaped, in one `write`. The level is one atomic for the whole library, because
//! messages are due before the options are known.

use std::{
    fmt::{self, Write as _},
    io,
    sync::atomic::{AtomicU8, Ordering},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::options::LogLevel;

/// Longest line, its line feed included. Below `PIPE_BUF`: the kernel never tears it.
const MAX_BYTES: usize = 2048;

const CUT: &str = "… (cut)";

static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Warn as u8);

/// Says what is said from now on. Before the first call: warnings and errors.
pub fn set_level(level: LogLevel) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Whether a message of this level would be written; spares its making.
pub fn enabled(level: LogLevel) -> bool {
    level != LogLevel::Off && level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// What the user must know.
pub fn error(message: fmt::Arguments<'_>) {
    say(LogLevel::Error, "error", message);
}

/// What went wrong and was coped with.
pub fn warn(message: fmt::Arguments<'_>) {
    say(LogLevel::Warn, "warning", message);
}

/// What was done.
pub fn info(message: fmt::Arguments<'_>) {
    say(LogLevel::Info, "info", message);
}

/// What only a developer of the agent wants.
pub fn debug(message: fmt::Arguments<'_>) {
    say(LogLevel::Debug, "debug", message);
}

fn say(level: LogLevel, name: &str, message: fmt::Arguments<'_>) {
    if enabled(level) {
        // Nobody is left to tell that stderr is closed or full.
        let _ = write_if_drained(line(name, message).as_bytes());
    }
}

fn line(name: &str, message: fmt::Arguments<'_>) -> String {
    let mut line = Line(format!("finwatch: {name}: "));
    // An error here is the line being full: what is in it is still worth saying.
    if line.write_fmt(message).is_err() {
        line.0.push_str(CUT);
    }
    line.0.push('\n');
    line.0
}

/// `poll` first: with room for `PIPE_BUF` bytes the write returns at once.
fn write_if_drained(line: &[u8]) -> io::Result<()> {
    let stderr = rustix::stdio::stderr();
    let mut fds = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec::default()))?;
    if fds[0].revents() == PollFlags::OUT {
        rustix::io::write(stderr, line)?;
    }
    Ok(())
}

/// Collects one bounded, escaped line; full is an error, which stops the formatting.
struct Line(String);

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| self.write_char(char))
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        if self.0.len() + CUT.len() + "\\u{10ffff}\n".len() > MAX_BYTES {
            return Err(fmt::Error);
        }
        push_escaped(&mut self.0, char);
        Ok(())
    }
}

fn push_escaped(to: &mut String, char: char) {
    if char.is_control() || reorders_text(char) {
        to.extend(char.escape_default());
    } else {
        to.push(char);
    }
}

/// The bidirectional controls: they make a terminal show a name other than it is.
fn reorders_text(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A path or an option as given, for a message: bytes that are no UTF-8 as `\xNN`.
/// (Control characters are escaped later, with the whole line.)
pub fn shown(given: &(impl AsRef<std::ffi::OsStr> + ?Sized)) -> String {
    use std::os::unix::ffi::OsStrExt;

    let mut shown = String::new();
    for chunk in given.as_ref().as_bytes().utf8_chunks() {
        shown.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let said = line("warning", format_args!("a\x1b[31mb\nc\u{9b}d\u{202e}e"));
        assert_eq!(
            said,
            "finwatch: warning: a\\u{1b}[31mb\\nc\\u{9b}d\\u{202e}e\n"
        );
    }

    #[test]
    fn bytes_that_are_no_utf8_are_shown_escaped() {
        assert_eq!(
            shown(OsStr::from_bytes(b"/tmp/\xff\xc3\xa9")),
            "/tmp/\\xffé"
        );
    }

    #[test]
    fn a_message_does_not_grow_with_the_input() {
        let said = line("error", format_args!("{}", "\u{202e}é".repeat(100_000)));
        assert!(said.len() <= MAX_BYTES, "{} bytes", said.len());
        assert!(said.ends_with("… (cut)\n"));
    }
}
