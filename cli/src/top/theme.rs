//! What the terminal can show: colours and characters.

use std::ffi::OsString;

use ratatui::style::{Color, Modifier, Style};

/// Eighths of a cell from nothing (a line at the bottom) to full.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same where there is only ASCII.
const LETTERS: [char; 8] = ['_', '.', '-', '=', '+', '*', '#', '@'];

/// Colours and characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours may be used.
    pub colours: bool,
    /// More than ASCII may be used.
    pub unicode: bool,
}

impl Theme {
    /// As the environment wants it: `NO_COLOR`, and the character set of the locale.
    pub fn of_environment() -> Theme {
        Theme::of(|name| std::env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Theme {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // The first of them that is set counts (locale(7)).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| set(name));
        let locale = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase());
        let is_utf8 = |locale: String| locale.contains("utf-8") || locale.contains("utf8");
        Theme {
            colours: set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
            unicode: locale.is_some_and(is_utf8),
        }
    }

    /// What matters.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is only there to be looked up.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What is well.
    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// What should be looked at.
    pub fn warning(self) -> Style {
        self.colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// What is bad.
    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Pictures of the past.
    pub fn chart(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// The line that is selected, and other bars across the screen.
    pub fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn colour(self, colour: Color) -> Style {
        if self.colours {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// Eight characters of growing height.
    pub fn heights(self) -> &'static [char; 8] {
        if self.unicode { &BLOCKS } else { &LETTERS }
    }

    /// The unicode or the plain form of a sign.
    pub fn sign(self, unicode: &'static str, plain: &'static str) -> &'static str {
        if self.unicode { unicode } else { plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Theme {
        Theme::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn no_color_means_no_colour() {
        assert!(of(&[("TERM", "xterm")]).colours);
        assert!(of(&[("NO_COLOR", "")]).colours);
        assert!(!of(&[("NO_COLOR", "1")]).colours);
        assert!(!of(&[("TERM", "dumb")]).colours);
        assert_eq!(of(&[("NO_COLOR", "1")]).bad().fg, None);
    }

    #[test]
    fn the_locale_decides_the_characters() {
        assert!(of(&[("LANG", "en_US.UTF-8")]).unicode);
        assert!(of(&[("LC_ALL", ""), ("LANG", "C.utf8")]).unicode);
        assert!(!of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]).unicode);
        assert!(!of(&[]).unicode);
    }
}
