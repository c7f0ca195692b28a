//! Brings the lines of a stream to the model, in a thread of its own.
//!
//! Waiting for a file to grow, reading and parsing happen there; what it finds comes through
//! a channel, a batch at a time. The thread ends with the stream or with whoever listens.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Context;
use crossbeam_channel::{SendError, Sender};

use super::model::Model;
use crate::quote::Quoted;
use crate::stream::{Follower, Line, Presence, RawLine, Source, Splitter, parse};

/// So much of a stream is read at first, the newest: some 1,000 samples of 20 classes.
const HISTORY_BYTES: u64 = 16 << 20;

/// Bytes that are asked for at a time of what is no file.
const CHUNK: usize = 64 << 10;

/// Lines that go through the channel at a time.
const BATCH: usize = 64;

/// What comes through the channel.
#[derive(Debug, PartialEq)]
pub enum News {
    /// First lines of files whose next ones are left out.
    Heads(Vec<Line>),
    /// Lines, in order.
    Lines(Vec<Line>),
    /// What is wrong with the source, or that nothing is any more.
    Trouble(Option<String>),
}

impl News {
    /// Takes lines in.
    pub fn tell(self, model: &mut Model) {
        match self {
            News::Heads(lines) => lines.into_iter().for_each(|line| model.head(line)),
            News::Lines(lines) => lines.into_iter().for_each(|line| model.line(line)),
            News::Trouble(_) => {}
        }
    }
}

/// A stream that was opened.
pub enum Feed {
    /// A file that may grow, and the first lines that were left out.
    File {
        /// Its name.
        path: PathBuf,
        /// Who follows it.
        follower: Box<Follower>,
        /// First lines of files whose next ones are left out.
        heads: Vec<Line>,
    },
    /// Something that can be read once, from beginning to end.
    Once(Box<Source>),
}

impl Feed {
    /// Opens a file or a FIFO, or stdin for `-`. A file need not be there yet if
    /// `may_come`.
    ///
    /// # Errors
    ///
    /// In words: it is not there, may not be read, or is something else than a stream.
    pub fn open(name: &OsStr, may_come: bool) -> anyhow::Result<Feed> {
        let path = Path::new(name);
        match std::fs::metadata(path) {
            _ if name == "-" => Feed::once(name),
            // Reading it a little tells what it is, before the screen is taken.
            Ok(metadata) if metadata.is_file() => {
                let source = Source::open(name)?;
                match path.extension().is_some_and(|extension| extension == "gz") {
                    true => Ok(Feed::Once(Box::new(source))),
                    false => Feed::follow(path),
                }
            }
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && may_come && has_directory(path) =>
            {
                Feed::follow(path)
            }
            _ => Feed::once(name),
        }
    }

    fn once(name: &OsStr) -> anyhow::Result<Feed> {
        Ok(Feed::Once(Box::new(Source::open(name)?)))
    }

    fn follow(path: &Path) -> anyhow::Result<Feed> {
        let mut heads = Vec::new();
        let follower = Follower::new(path, HISTORY_BYTES, |line| {
            parse(line, |line| heads.push(line))
        })
        .with_context(|| format!("{} can't be read", Quoted(path.as_os_str())))?;
        Ok(Feed::File {
            path: path.to_owned(),
            follower: Box::new(follower),
            heads,
        })
    }

    /// Reads what there is now, of what is no file up to its end.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn read_now(self, model: &mut Model) -> anyhow::Result<()> {
        match self {
            Feed::File {
                path,
                mut follower,
                heads,
            } => {
                News::Heads(heads).tell(model);
                let read = follower.read(|line| parse(line, |line| model.line(line)));
                read.with_context(|| format!("{} can't be read", Quoted(path.as_os_str())))?;
            }
            Feed::Once(source) => {
                let name = source.name().to_owned();
                let read = read_lines(*source, |line| {
                    model.line(line);
                    Ok::<(), SendError<News>>(())
                });
                read.with_context(|| format!("{} can't be read", Quoted(&name)))?;
            }
        }
        Ok(())
    }

    /// Reads on in a thread, which sends what it finds.
    pub fn start<E: From<News> + Send + 'static>(self, to: Sender<E>) {
        thread::spawn(move || {
            // Nobody listens any more: the end, and nothing to tell.
            let _ = match self {
                Feed::File {
                    path,
                    follower,
                    heads,
                } => keep_following(path.into(), *follower, heads, &to),
                Feed::Once(source) => read_through(*source, &to),
            };
        });
    }
}

fn has_directory(path: &Path) -> bool {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => true,
        Some(parent) => parent.is_dir(),
        None => false,
    }
}

fn keep_following<E: From<News>>(
    name: OsString,
    mut follower: Follower,
    heads: Vec<Line>,
    to: &Sender<E>,
) -> Result<(), SendError<E>> {
    let mut trouble = None;
    to.send(News::Heads(heads).into())?;
    loop {
        let mut batch = Vec::new();
        let mut unheard = Ok(());
        let read = follower.read(|line| {
            parse(line, |line| batch.push(line));
            if batch.len() >= BATCH && unheard.is_ok() {
                unheard = to.send(News::Lines(std::mem::take(&mut batch)).into());
            }
        });
        unheard?;
        to.send(News::Lines(batch).into())?;
        let now = match read {
            Ok(Presence::Here) => None,
            Ok(Presence::Missing) => Some(format!(
                "{} is not there; it will be read once it is.",
                Quoted(&name)
            )),
            Err(error) => Some(format!("{} can't be read: {error}", Quoted(&name))),
        };
        if now != trouble {
            trouble.clone_from(&now);
            to.send(News::Trouble(now).into())?;
        }
        follower.wait();
    }
}

fn read_through<E: From<News>>(source: Source, to: &Sender<E>) -> Result<(), SendError<E>> {
    let name = source.name().to_owned();
    let mut unheard = Ok(());
    let read = read_lines(source, |line| {
        to.send(News::Lines(vec![line]).into())
            .map_err(|error| unheard = Err(error))
    });
    unheard?;
    let trouble = match read {
        Ok(()) => format!("{} has ended: no more records will come.", Quoted(&name)),
        Err(error) => format!("{} can't be read: {error}", Quoted(&name)),
    };
    to.send(News::Trouble(Some(trouble)).into())
}

/// Gives all lines, until `take` wants no more.
fn read_lines<T>(
    mut source: Source,
    mut take: impl FnMut(Line) -> Result<(), T>,
) -> io::Result<()> {
    let mut lines = Splitter::default();
    let mut bytes = vec![0; CHUNK];
    let mut is_wanted = true;
    while is_wanted {
        let mut give =
            |line: RawLine<'_>| parse(line, |line| is_wanted = is_wanted && take(line).is_ok());
        match source.read(&mut bytes) {
            Ok(0) => {
                lines.end(&mut give);
                return Ok(());
            }
            Ok(length) => lines.take(&bytes[..length], &mut give),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
