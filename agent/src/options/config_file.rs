//! The file that `config=` names, read whole.
//!
//! It is read while the JVM waits for the agent to load, so nothing here may block or
//! grow: a FIFO without a writer, an endless device and a wrong path to some huge log
//! are refused.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rustix::fs::{Mode, OFlags, open};

/// Largest config file, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Reads the file; the error says what is wrong with it. Symbolic links are followed:
/// that is how a Kubernetes ConfigMap is mounted.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let content = read_bounded(path).map_err(|error| error.to_string())?;
    match content {
        Some(content) if content.len() as u64 > LARGEST => {
            Err(format!("larger than {} KiB", LARGEST / 1024))
        }
        Some(content) => Ok(content),
        None => Err("not a regular file".to_owned()),
    }
}

/// `None` where it is no regular file; at most one byte more than [`LARGEST`].
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Opening a FIFO must not wait for its writer, nor a terminal become ours.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// The lines that say something, trimmed, with their numbers from 1. Line ends may be
/// those of Windows, and the file may begin with its byte order mark.
pub(super) fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    content
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(content)
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .zip(1..)
        .filter(|(line, _)| !line.is_empty() && line[0] != b'#')
        .map(|(line, number)| (number, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers() {
        let content = b"\xef\xbb\xbf# first\r\n\r\n  out = a b \t\r\n#x\n\ngc=off";
        let lines: Vec<_> = lines(content).collect();
        assert_eq!(lines, [(3, &b"out = a b"[..]), (6, &b"gc=off"[..])]);
    }

    #[test]
    fn only_a_small_regular_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);

        std::fs::write(at("full"), vec![b'#'; 64 * 1024]).unwrap();
        assert_eq!(read(&at("full")).unwrap().len(), 64 * 1024);
        std::os::unix::fs::symlink("full", at("link")).unwrap();
        assert!(read(&at("link")).is_ok());

        std::fs::write(at("large"), vec![b'#'; 64 * 1024 + 1]).unwrap();
        assert_eq!(read(&at("large")), Err("larger than 64 KiB".to_owned()));
        assert_eq!(read(directory.path()), Err("not a regular file".to_owned()));
        assert_eq!(
            read(Path::new("/dev/zero")),
            Err("not a regular file".to_owned())
        );
        assert!(read(&at("missing")).unwrap_err().contains("No such file"));
    }

    #[test]
    fn a_fifo_without_writer_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        assert_eq!(read(&fifo), Err("not a regular file".to_owned()));
    }
}
