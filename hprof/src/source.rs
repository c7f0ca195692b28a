//! The file as a dump: its header read, unpacked first where it is compressed or comes through a pipe.
//!
//! The answer takes several looks at the file, so what can be read only once is written to a temporary file without a
//! name, which is gone when the process is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;
use crate::progress::{Phase, Progress};
use crate::value::{IdSize, read_u32, read_u64};
use crate::window::Window;

const MAGIC: &[u8] = b"JAVA PROFILE 1.0";
const GZIP: &[u8] = &[0x1f, 0x8b];
/// Longer than any version's name (`JAVA PROFILE 1.0.3` is the longest known), id size and time.
const HEADER_BYTES: usize = 64;

/// A heap dump whose header was read.
#[derive(Debug)]
pub struct Dump {
    path: PathBuf,
    file: File,
    length: u64,
    /// How long object ids are.
    pub ids: IdSize,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// Where the first record begins.
    pub first_record: u64,
    /// Why unpacking stopped before the end, where it did: everything before that was unpacked.
    pub cut_while_unpacking: Option<String>,
}

impl Dump {
    /// Whether the file begins as a dump does, or one that is compressed with gzip; `false` too where it cannot be
    /// read, or only once.
    pub fn is_one(path: &Path) -> bool {
        let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        is_file && File::open(path).is_ok_and(|file| Dump::is_begun_by(BufReader::new(file)))
    }

    /// The same for what was read of it so far.
    pub fn is_begun_by(input: impl BufRead) -> bool {
        begins_as_dump(input).unwrap_or(false)
    }

    /// Opens `path`, which may be a plain dump, one compressed with gzip (by `gzip`, or by the JVM, which writes many
    /// members), or a pipe with either.
    pub fn open(path: &Path, progress: &Progress) -> Result<Dump, Error> {
        let read = |reason| Error::Read {
            path: path.into(),
            reason,
        };
        let file = File::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        let mut input = BufReader::with_capacity(1 << 18, file);
        if !metadata.is_file() {
            return Dump::unpack(path, input, 0, progress);
        }
        if input.fill_buf().map_err(read)?.starts_with(GZIP) {
            return Dump::unpack(path, input, metadata.len(), progress);
        }
        Dump::of_plain(path, input.into_inner(), None)
    }

    /// The same for what can be read only once: `name` is what it is called.
    pub fn receive(name: &Path, input: impl Read, progress: &Progress) -> Result<Dump, Error> {
        Dump::unpack(name, input, 0, progress)
    }

    fn unpack(
        path: &Path,
        mut input: impl Read,
        length: u64,
        progress: &Progress,
    ) -> Result<Dump, Error> {
        let directory = std::env::temp_dir();
        let failed = |reason| Error::Unpack {
            path: path.into(),
            directory: directory.clone(),
            reason,
        };
        let mut unpacked = tempfile::tempfile_in(&directory).map_err(failed)?;
        progress.begin(Phase::Unpacking, length);
        // A pipe may give its first bytes one by one.
        let mut first = Vec::new();
        input
            .by_ref()
            .take(GZIP.len() as u64)
            .read_to_end(&mut first)
            .map_err(failed)?;
        let packed = first == GZIP;
        let counted = Counted {
            input: io::Cursor::new(first).chain(input),
            progress,
        };
        let cut = if packed {
            copy(
                MultiGzDecoder::new(BufReader::with_capacity(1 << 18, counted)),
                &mut unpacked,
            )
        } else {
            copy(counted, &mut unpacked)
        };
        Dump::of_plain(path, unpacked, cut.map_err(failed)?)
    }

    fn of_plain(
        path: &Path,
        file: File,
        cut_while_unpacking: Option<String>,
    ) -> Result<Dump, Error> {
        let read = |reason| Error::Read {
            path: path.into(),
            reason,
        };
        let length = file.metadata().map_err(read)?.len();
        let mut window = Window::new(&file, length);
        let header = window.bytes(0, HEADER_BYTES).map_err(read)?;
        let (ids, made_ms, first_record) = parse_header(path, header, length)?;
        Ok(Dump {
            path: path.into(),
            file,
            length,
            ids,
            made_ms,
            first_record,
            cut_while_unpacking,
        })
    }

    /// The file it was opened as.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file with its first part, where JDK 22 or later left that beside it.
    pub fn part_beside(&self) -> Option<String> {
        let mut part = self.path.clone().into_os_string();
        part.push(".p0");
        let part = Path::new(&part);
        let name = part.file_name()?.to_string_lossy().into_owned();
        part.is_file().then_some(name)
    }

    /// How long it is, unpacked.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A view of it for one thread.
    pub fn window(&self) -> Window<'_> {
        Window::new(&self.file, self.length)
    }

    /// A few bytes from anywhere; fewer where the file ends.
    pub fn read_small(&self, at: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self
                .file
                .read_at(&mut bytes[filled..], at + filled as u64)?
            {
                0 => break,
                more => filled += more,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// An error of the system as ours.
    pub fn failed(&self, reason: io::Error) -> Error {
        Error::Read {
            path: self.path.clone(),
            reason,
        }
    }
}

fn begins_as_dump(mut input: impl BufRead) -> io::Result<bool> {
    let mut begin = [0; MAGIC.len()];
    if input.fill_buf()?.starts_with(GZIP) {
        MultiGzDecoder::new(input).read_exact(&mut begin)?;
    } else {
        input.read_exact(&mut begin)?;
    }
    Ok(begin == MAGIC)
}

fn parse_header(path: &Path, header: &[u8], length: u64) -> Result<(IdSize, u64, u64), Error> {
    if header.is_empty() {
        return Err(Error::Empty { path: path.into() });
    }
    let common = header.len().min(MAGIC.len());
    if header[..common] != MAGIC[..common] {
        let begins = format!("'{}'", header[..common].escape_ascii());
        return Err(Error::NotADump {
            path: path.into(),
            begins,
        });
    }
    let cut = || Error::CutInHeader {
        path: path.into(),
        length,
    };
    let name = header.iter().position(|&byte| byte == 0).ok_or_else(cut)?;
    let rest = &header[name + 1..];
    if rest.len() < 12 {
        return Err(cut());
    }
    let ids = match read_u32(rest) {
        4 => IdSize::Four,
        8 => IdSize::Eight,
        size => {
            return Err(Error::IdSize {
                path: path.into(),
                size,
            });
        }
    };
    Ok((ids, read_u64(&rest[4..]), (name + 13) as u64))
}

/// Copies all there is; a source that breaks off is no error, and what it said is given back. A full disk is one.
fn copy(mut from: impl Read, to: &mut File) -> io::Result<Option<String>> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(count) => to.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(error.to_string())),
        }
    }
}

/// Tells the progress how much of the packed file was read.
struct Counted<'a, R> {
    input: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}
