//! Where a stream is read from: a file, compressed or not, or stdin.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use flate2::read::MultiGzDecoder;

use crate::quote::Quoted;

/// The name that stands for stdin.
pub const STDIN: &str = "-";

/// What other files begin with that people have beside a stream, and what to do with those.
const OTHERS: [(&[u8], &str); 5] = [
    (
        b"JAVA PROFILE ",
        "it is a heap dump, which `finwatch heap` reads, and `finwatch explain` from a file or '-'",
    ),
    (b"FLR\0", "it is a recording of the JDK Flight Recorder"),
    (
        b"\x28\xb5\x2f\xfd",
        "it is compressed: try 'zstdcat FILE | finwatch … -'",
    ),
    (
        b"\xfd7zXZ\0",
        "it is compressed: try 'xzcat FILE | finwatch … -'",
    ),
    (b"BZh", "it is compressed: try 'bzcat FILE | finwatch … -'"),
];

/// An open source of lines.
pub struct Source {
    name: OsString,
    from: Box<dyn Read + Send>,
    /// Bytes that were read of it, before they were decompressed.
    read: Arc<AtomicU64>,
    /// Bytes that there are, where that is known.
    size: Option<u64>,
}

impl Source {
    /// Opens a file, or stdin for `-`. What is compressed with gzip is decompressed.
    ///
    /// # Errors
    ///
    /// In words, with the name and what to do: it is not there, may not be read, is a directory, is something else.
    pub fn open(name: &OsStr) -> anyhow::Result<Source> {
        let (from, size): (Box<dyn Read + Send>, _) = if name == STDIN {
            (Box::new(io::stdin()), None)
        } else {
            let (file, metadata) = open_file(name)?;
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        };
        let read = Arc::new(AtomicU64::new(0));
        let mut from = Counted {
            from,
            read: read.clone(),
        };
        let head = head(&mut from).with_context(|| format!("{} can't be read", Quoted(name)))?;
        if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
            bail!("{} is not a finwatch stream: {what}", Quoted(name));
        }
        let is_gzip = head.starts_with(b"\x1f\x8b");
        let from = io::Cursor::new(head).chain(from);
        Ok(Source {
            name: name.to_owned(),
            from: match is_gzip {
                true => Box::new(MultiGzDecoder::new(io::BufReader::new(from))),
                false => Box::new(from),
            },
            read,
            size,
        })
    }

    /// Its name as it was given.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// How many bytes there are to read, where that is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes of [`Source::size`] were read, also when the source itself is elsewhere.
    pub fn read_counter(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.from.read(buffer)
    }
}

fn open_file(name: &OsStr) -> anyhow::Result<(File, Metadata)> {
    let path = Path::new(name);
    let opened = File::open(path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    let (file, metadata) = opened.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                ": the agent's files are for the user of the JVM alone, try as that user or as root"
            }
            io::ErrorKind::NotFound if name.is_empty() => ": the name is empty",
            _ => "",
        };
        anyhow::Error::new(error).context(format!("{} can't be read{hint}", Quoted(name)))
    })?;
    if metadata.is_dir() {
        bail!("{} is a directory: name the files in it", Quoted(name));
    }
    Ok((file, metadata))
}

/// The first bytes, as many as tell what it is.
fn head(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let longest = OTHERS.iter().map(|(magic, _)| magic.len()).max();
    let mut head = Vec::new();
    from.take(longest.unwrap_or(0) as u64)
        .read_to_end(&mut head)?;
    Ok(head)
}

/// Counts what is read.
struct Counted<R> {
    from: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
