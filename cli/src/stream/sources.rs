//! The files that a command line names, opened as far as they can be.

use std::ffi::OsString;
use std::io;

use super::source::Source;
use crate::quote::Quoted;
use crate::stderr;

/// Sources that are open.
pub struct Sources {
    /// Those that are left to read.
    pub open: Vec<Source>,
    /// Their names as they were given.
    pub names: Vec<OsString>,
    /// Others could not be opened.
    are_some_missing: bool,
}

impl Sources {
    /// Opens what can be opened, and tells the rest on stderr: it need not keep anybody from reading the others.
    ///
    /// # Errors
    ///
    /// There is only one, or none of them can be opened.
    pub fn open(names: &[OsString]) -> anyhow::Result<Sources> {
        let (mut open, mut errors) = (Vec::new(), Vec::new());
        for name in names {
            match Source::open(name) {
                Ok(source) => open.push(source),
                Err(error) => errors.push(error),
            }
        }
        if open.is_empty()
            && let Some(last) = errors.pop()
        {
            errors.iter().for_each(tell);
            return Err(last);
        }
        errors.iter().for_each(tell);
        Ok(Sources {
            names: open.iter().map(|source| source.name().to_owned()).collect(),
            open,
            are_some_missing: !errors.is_empty(),
        })
    }

    /// Tells on stderr what could not be read to its end; gives whether all was read.
    pub fn tell_failures(&self, failed: &[(usize, io::Error)]) -> bool {
        for (place, error) in failed {
            let name = Quoted(&self.names[*place]);
            stderr::tell(format_args!("{name} can't be read to its end: {error}"));
        }
        failed.is_empty() && !self.are_some_missing
    }
}

fn tell(error: &anyhow::Error) {
    stderr::tell(format_args!("{error:#}"));
}
