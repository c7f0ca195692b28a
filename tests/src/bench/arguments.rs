//! The command line of the benchmarks.

use std::path::PathBuf;

use anyhow::{Result, bail};

/// What the command prints for `--help`.
pub const HELP: &str = "\
Measures what the agent costs: runs JVMs without it and with it in turn, prints Markdown tables.

Usage: cargo run --release -p finwatch-tests --bin bench -- [OPTION]... [NAME]...

  NAME           a benchmark, or the beginning of its name; without any, all of them run
  --list         print the names and what each measures
  --short        fewer pairs, one JDK: about 10 minutes, for CI; without it about 75
  --jdk N,N      feature releases to measure on, instead of 8, 17 and 25 (of those found)
  --agent FILE   the library to measure, instead of building it
  --null         the same runs with no agent on either side: how far from 1 noise alone takes the figures
  --help         this text

Take figures on a machine that does nothing else: the head of the output has its load average, and warns.";

/// What was asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Arguments {
    pub names: Vec<String>,
    pub list: bool,
    pub short: bool,
    pub null: bool,
    pub help: bool,
    pub jdks: Option<Vec<u32>>,
    pub agent: Option<PathBuf>,
}

impl Arguments {
    /// Errors quote the argument and say what is wanted.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut parsed = Self::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--list" => parsed.list = true,
                "--short" => parsed.short = true,
                "--null" => parsed.null = true,
                "--help" | "-h" => parsed.help = true,
                "--jdk" => parsed.jdks = Some(releases(&value("--jdk", rest.next())?)?),
                "--agent" => parsed.agent = Some(value("--agent", rest.next())?.into()),
                option if option.starts_with('-') => {
                    bail!("`{option}` is no option of this command: --help lists them")
                }
                name => parsed.names.push(name.to_owned()),
            }
        }
        Ok(parsed)
    }
}

fn value(option: &str, next: Option<String>) -> Result<String> {
    match next {
        Some(value) => Ok(value),
        None => bail!("{option} wants a value after it: --help shows which"),
    }
}

fn releases(list: &str) -> Result<Vec<u32>> {
    let release = |item: &str| match item.trim().parse() {
        Ok(number) => Ok(number),
        Err(_) => bail!("`{item}` in --jdk {list} is no release: wanted is a list like 17,25"),
    };
    list.split(',').map(release).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_and_names_mix() {
        let parsed = parse("startup --short --jdk 17,25 rest").unwrap();
        assert_eq!(parsed.names, ["startup", "rest"]);
        assert_eq!(parsed.jdks, Some(vec![17, 25]));
        assert!(parsed.short && !parsed.null);
    }

    #[test]
    fn mistakes_are_quoted() {
        for (line, quoted) in [
            ("--shrot", "`--shrot`"),
            ("--jdk 17,x", "`x`"),
            ("--agent", "--agent"),
        ] {
            let message = parse(line).unwrap_err().to_string();
            assert!(message.contains(quoted), "{message}");
        }
    }
}
