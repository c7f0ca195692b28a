//! Text in HTML.

use std::fmt::{self, Display, Write};

use crate::quote::Plain;

/// Text in an element, or in an attribute in quotes: no markup, and nothing that is not to be seen as itself but line ends.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, line) in self.0.split('\n').enumerate() {
            if place > 0 {
                f.write_char('\n')?;
            }
            for c in Plain(line).to_string().chars() {
                match c {
                    '<' => f.write_str("&lt;")?,
                    '>' => f.write_str("&gt;")?,
                    '&' => f.write_str("&amp;")?,
                    '"' => f.write_str("&quot;")?,
                    '\'' => f.write_str("&#39;")?,
                    c => f.write_char(c)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        let name = "a<script>\"&'\u{1b}[2J\nb";
        assert_eq!(
            Escaped(name).to_string(),
            "a&lt;script&gt;&quot;&amp;&#39;\\u{1b}[2J\nb"
        );
    }
}
