//! Text from outside (file names, class names, lines of a stream) on its way to a terminal: in quotes, and with
//! control characters escaped, so that no data can move the cursor, set the title or pass for words of ours.

use std::ffi::OsStr;
use std::fmt::{self, Write};

/// Shows text between single quotes, escaped as [`Plain`] does.
pub struct Quoted<'a>(pub &'a OsStr);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", Plain(&self.0.to_string_lossy()))
    }
}

/// Shows text with everything escaped that is not to be seen as itself: control characters and those that change
/// the direction of what follows.
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() || is_invisible(c) {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Line and paragraph separators, zero-width characters and bidirectional controls (Unicode, general category Cf).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let name = OsStr::new("a\u{1b}[2Jb\nc\u{9b}d\u{202e}é");
        let shown = Quoted(name).to_string();
        assert_eq!(shown, r"'a\u{1b}[2Jb\nc\u{9b}d\u{202e}é'");
    }
}
