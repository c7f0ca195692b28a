//! One place that options come from: its text cut into entries, and the mistakes in it.
//!
//! Syntax, the same everywhere: entries `key=value` separated by commas (in a file: by
//! line ends), blanks around key and value don't count, empty entries neither, so a
//! script may join parts that are empty. In a value `\,` is a comma and `\\` a
//! backslash. A value is UTF-8 without control characters.

use std::{
    borrow::Cow,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    Facts, Options, config_file, destination,
    mistake::{file_name, quoted},
    table::{self, Key},
};

/// The entries of one place, and what is wrong with them.
#[derive(Default)]
pub(super) struct Layer<'a> {
    /// As the user knows the place.
    name: Cow<'static, str>,
    /// Whether positions in it are line numbers.
    is_file: bool,
    /// The good ones: at most one for each key.
    entries: Vec<Entry<'a>>,
    /// `help` stands alone in it.
    pub asks_for_help: bool,
    /// Position and text of each mistake.
    mistakes: Vec<(usize, String)>,
}

/// A known key with the value as given, still escaped.
struct Entry<'a> {
    position: usize,
    key: &'static Key,
    value: &'a [u8],
}

impl<'a> Layer<'a> {
    /// The flag or the environment variable.
    pub fn of_text(name: &'static str, text: &'a [u8]) -> Self {
        let mut layer = Layer {
            name: Cow::Borrowed(name),
            ..Layer::default()
        };
        for (position, entry) in split_at_commas(text).enumerate() {
            if entry == b"help" {
                layer.asks_for_help = true;
            } else if !entry.is_empty() {
                layer.read(position, entry);
            }
        }
        layer
    }

    /// The config file.
    pub fn of_file(path: &Path, content: &'a [u8]) -> Self {
        let mut layer = Layer {
            name: Cow::Owned(file_name(path.as_os_str().as_bytes())),
            is_file: true,
            ..Layer::default()
        };
        for (line, entry) in config_file::lines(content) {
            layer.read(line, entry);
        }
        layer
    }

    /// A config file that can't be read: nothing but that mistake.
    pub fn of_unreadable_file(path: &Path, what: &str) -> Self {
        let wanted = table::find(b"config").map_or("", |key| key.wanted);
        Layer {
            name: Cow::Owned(file_name(path.as_os_str().as_bytes())),
            mistakes: vec![(0, format!("config file: {what}; wanted: {wanted}"))],
            ..Layer::default()
        }
    }

    /// What the table says where nobody else does.
    pub fn of_defaults() -> Self {
        let entries = table::KEYS.iter().filter_map(|key| {
            let value = key.default?.as_bytes();
            let position = 0;
            Some(Entry {
                position,
                key,
                value,
            })
        });
        Layer {
            name: Cow::Borrowed("default"),
            entries: entries.collect(),
            ..Layer::default()
        }
    }

    /// The config file that it names. `None` also for a malformed one: [`Layer::apply`]
    /// tells that.
    pub fn config_path(&self, facts: &Facts) -> Option<PathBuf> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.key.name == "config")?;
        destination::path(&decode(entry.value).ok()?, facts).ok()
    }

    /// Puts its values over those that are there.
    pub fn apply(&mut self, options: &mut Options, facts: &Facts) {
        for entry in &self.entries {
            let (key, given) = (entry.key, quoted(entry.value));
            let set = decode(entry.value).and_then(|text| (key.set)(options, &text, facts));
            if let Err(what) = set {
                let mistake = format!("{}={given}: {what}; wanted: {}", key.name, key.wanted);
                self.mistakes.push((entry.position, mistake));
            }
        }
    }

    /// The mistakes in it, in its order, each with the place where it stands.
    pub fn into_mistakes(mut self) -> impl Iterator<Item = String> {
        self.mistakes.sort_by_key(|(position, _)| *position);
        self.mistakes.into_iter().map(move |(line, what)| {
            if self.is_file {
                format!("{}:{line}: {what}", self.name)
            } else {
                format!("{}: {what}", self.name)
            }
        })
    }

    fn read(&mut self, position: usize, entry: &'a [u8]) {
        match self.check(position, entry) {
            Ok(entry) => self.entries.push(entry),
            Err(what) => self
                .mistakes
                .push((position, format!("{}: {what}", quoted(entry)))),
        }
    }

    fn check(&self, position: usize, entry: &'a [u8]) -> Result<Entry<'a>, String> {
        let equals = entry.iter().position(|byte| *byte == b'=');
        let (name, value) = match equals {
            Some(at) => (entry[..at].trim_ascii(), entry[at + 1..].trim_ascii()),
            None => (entry, &b""[..]),
        };
        let key = table::find(name).ok_or_else(|| unknown_key(name, equals.is_some()))?;
        if value.is_empty() {
            let what = match equals {
                Some(_) => "an empty value",
                None => "no =value",
            };
            return Err(format!("{what}; wanted: {}", key.wanted));
        }
        if let Some(first) = self.entries.iter().find(|first| first.key.name == key.name) {
            return Err(self.given_twice(first));
        }
        if key.name == "config" && self.is_file {
            return Err(format!(
                "a config file can't name another; wanted: config in the flag or in {}",
                super::ENVIRONMENT_VARIABLE
            ));
        }
        Ok(Entry {
            position,
            key,
            value,
        })
    }

    fn given_twice(&self, first: &Entry<'_>) -> String {
        let name = first.key.name;
        if self.is_file {
            let line = first.position;
            format!("{name} is given twice, line {line} has it too; wanted: once")
        } else {
            let value = quoted(first.value);
            format!("{name} is given twice, {value} comes before it; wanted: once")
        }
    }
}

fn unknown_key(name: &[u8], has_value: bool) -> String {
    match name {
        b"" => return "no key before the =; wanted: key=value".to_owned(),
        b"help" => return "help stands alone, in the flag or the environment".to_owned(),
        _ => {}
    }
    let what = if has_value {
        "no such key"
    } else {
        "not key=value"
    };
    match table::nearest(name) {
        Some(near) => format!("{what}; did you mean {near}?"),
        None => {
            let known: Vec<_> = table::KEYS.iter().map(|key| key.name).collect();
            format!("{what}; the keys are {}", known.join(", "))
        }
    }
}

/// The parts between commas that no backslash escapes, trimmed.
fn split_at_commas(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut escaped = false;
    text.split(move |byte| {
        let separates = *byte == b',' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        separates
    })
    .map(<[u8]>::trim_ascii)
}

/// The text that a value stands for.
fn decode(value: &[u8]) -> Result<String, String> {
    let value = std::str::from_utf8(value).map_err(|_| "not UTF-8".to_owned())?;
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(escaped @ (',' | '\\')) => text.push(escaped),
                _ => return Err(r"a lone backslash, write \\ for \ and \, for a comma".to_owned()),
            },
            c if c.is_control() => {
                return Err(format!(
                    "the control character U+{:04X} in it",
                    u32::from(c)
                ));
            }
            c => text.push(c),
        }
    }
    Ok(text)
}

/// A value that [`decode`] reads as this text.
pub(super) fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace(',', r"\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_unless_escaped() {
        let parts = |text: &'static str| -> Vec<&str> {
            let parts = split_at_commas(text.as_bytes());
            parts
                .map(|part| std::str::from_utf8(part).unwrap())
                .collect()
        };
        assert_eq!(parts("a=1,b=2"), ["a=1", "b=2"]);
        assert_eq!(parts(r"a=x\,y,b=2"), [r"a=x\,y", "b=2"]);
        assert_eq!(parts(r"a=x\\,b=2"), [r"a=x\\", "b=2"]);
        assert_eq!(parts(r"a=x\\\,y"), [r"a=x\\\,y"]);
        assert_eq!(parts(",, a=1 \n,"), ["", "", "a=1", ""]);
    }

    #[test]
    fn values_are_decoded() {
        assert_eq!(decode(br"a\,b\\c"), Ok(r"a,b\c".to_owned()));
        assert_eq!(decode("\u{e9}".as_bytes()), Ok("\u{e9}".to_owned()));
        for mistake in [&br"a\b"[..], br"a\"] {
            assert!(decode(mistake).unwrap_err().starts_with("a lone backslash"));
        }
        assert_eq!(decode(b"\xff"), Err("not UTF-8".to_owned()));
        assert_eq!(
            decode(b"a\nb"),
            Err("the control character U+000A in it".to_owned())
        );
        assert_eq!(
            decode("\u{85}".as_bytes()),
            Err("the control character U+0085 in it".to_owned())
        );
    }
}
