//! Words beside the answer, on stderr.

use std::fmt::Display;
use std::io::{self, Write};

/// Tells something, on a line that begins with the command's name.
pub fn tell(words: impl Display) {
    tell_lines(format_args!("finwatch: {words}\n"));
}

/// Tells what has its lines already.
pub fn tell_lines(lines: impl Display) {
    // Where nobody can be told, the exit code still tells.
    let _ = write!(io::stderr(), "{lines}");
}
