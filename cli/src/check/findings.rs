//! What was found, told as text or as JSON lines.

use std::ffi::OsString;
use std::io::{self, Write};

use serde::Serialize;

use crate::quote::Plain;

/// Something found in a line, or in a whole source or stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `fault`: something is wrong; `note`: something to know.
    #[serde(rename = "type")]
    pub weight: Weight,
    #[serde(skip)]
    pub source: usize,
    /// From 1; `null` where it is about more than a line.
    pub line: Option<u64>,
    /// The way to the field, such as `classes[3].pending`; `null` where it is about no field.
    pub field: Option<String>,
    /// What is given and what is wanted.
    pub message: String,
}

/// How much a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    Fault,
    Note,
}

impl Finding {
    /// Something wrong with a line.
    pub fn fault(source: usize, line: u64, field: &str, message: String) -> Finding {
        Finding {
            weight: Weight::Fault,
            ..Finding::note(source, Some(line), field, message)
        }
    }

    /// Something to know.
    pub fn note(source: usize, line: Option<u64>, field: &str, message: String) -> Finding {
        Finding {
            weight: Weight::Note,
            source,
            line,
            field: (!field.is_empty()).then(|| field.to_owned()),
            message,
        }
    }
}

/// The findings, kept for each source up to a number of them.
#[derive(Debug, Default)]
pub struct Findings {
    sources: Vec<OfSource>,
    /// So many of a source are kept.
    most: usize,
}

#[derive(Debug, Default)]
struct OfSource {
    kept: Vec<Finding>,
    faults: u64,
    left_out: u64,
}

impl Findings {
    /// Of so many sources, at most so many of each.
    pub fn new(sources: usize, most: usize) -> Findings {
        Findings {
            sources: (0..sources).map(|_| OfSource::default()).collect(),
            most,
        }
    }

    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        let source = &mut self.sources[finding.source];
        source.faults += u64::from(finding.weight == Weight::Fault);
        if source.kept.len() < self.most {
            source.kept.push(finding);
        } else {
            source.left_out += 1;
        }
    }

    /// Takes back all of a source: they are better told by one word.
    pub fn replace(&mut self, finding: Finding) {
        let source = finding.source;
        self.sources[source] = OfSource::default();
        self.add(finding);
    }

    /// How many things are wrong.
    pub fn faults(&self) -> u64 {
        self.sources.iter().map(|source| source.faults).sum()
    }

    /// Writes them, source after source, each in the order of lines.
    pub fn write(&self, out: &mut impl Write, names: &[OsString], is_json: bool) -> io::Result<()> {
        for (source, name) in self.sources.iter().zip(names) {
            let name = name.to_string_lossy();
            let mut kept: Vec<&Finding> = source.kept.iter().collect();
            // What is about all of it stands last.
            kept.sort_by_key(|finding| finding.line.unwrap_or(u64::MAX));
            for finding in kept {
                match is_json {
                    true => write_json(out, &name, finding)?,
                    false => write_text(out, &name, finding)?,
                }
            }
            if source.left_out > 0 && !is_json {
                let name = Plain(&name);
                writeln!(out, "{name}: and {} more, see --limit", source.left_out)?;
            }
        }
        Ok(())
    }
}

fn write_text(out: &mut impl Write, name: &str, finding: &Finding) -> io::Result<()> {
    write!(out, "{}:", Plain(name))?;
    if let Some(line) = finding.line {
        write!(out, "{line}:")?;
    }
    if finding.weight == Weight::Note {
        write!(out, " note:")?;
    }
    if let Some(field) = &finding.field {
        write!(out, " {}:", Plain(field))?;
    }
    writeln!(out, " {}", Plain(&finding.message))
}

fn write_json(out: &mut impl Write, name: &str, finding: &Finding) -> io::Result<()> {
    #[derive(Serialize)]
    struct Named<'a> {
        file: &'a str,
        #[serde(flatten)]
        finding: &'a Finding,
    }
    serde_json::to_writer(
        &mut *out,
        &Named {
            file: name,
            finding,
        },
    )?;
    writeln!(out)
}
