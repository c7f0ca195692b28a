//! The agent's library that belongs to this command, and whether a JVM can load it.

use std::env::consts::ARCH;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::jvm::{Jvm, Libc};
use crate::quote::Plain;

/// Names the library where it is not beside the command.
pub const ENVIRONMENT_VARIABLE: &str = "FINWATCH_LIB";
/// As it is installed.
const NAME: &str = "libfinwatch.so";
/// As it is installed for JVMs on musl, beside the other.
const NAME_FOR_MUSL: &str = "libfinwatch-musl.so";
/// Most bytes of a library that are read.
const LARGEST: u64 = 256 << 20;

/// The agent's library.
pub struct Library {
    /// Where it is, without symbolic links.
    pub path: PathBuf,
    /// Its device and its number there.
    pub identity: (u64, u64),
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Library {
    /// Finds and reads the one for JVMs on that C library.
    pub fn find(libc: Option<Libc>) -> anyhow::Result<Library> {
        let path = path(std::env::var_os(ENVIRONMENT_VARIABLE), libc)?;
        let shown = Plain(&path.to_string_lossy()).to_string();
        let open = || -> std::io::Result<(PathBuf, File)> {
            let path = path.canonicalize()?;
            let file = File::open(&path)?;
            Ok((path, file))
        };
        let (path, file) = open().with_context(|| {
            format!(
                "the agent's library {shown} cannot be opened: put {NAME} beside the finwatch \
                 command, or name it in {ENVIRONMENT_VARIABLE}"
            )
        })?;
        let found = file.metadata()?;
        if !found.is_file() {
            bail!("the agent's library {shown} is no file: name {NAME} in {ENVIRONMENT_VARIABLE}");
        }
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(Library {
            path,
            identity: (found.dev(), found.ino()),
            bytes,
        })
    }

    /// Whether that JVM can load it, as far as can be told before.
    pub fn check(&self, jvm: &Jvm, libc: Option<Libc>) -> anyhow::Result<()> {
        let shown = self.path.to_string_lossy();
        let shown = Plain(&shown);
        let Some(ours) = Machine::of(&self.bytes) else {
            bail!("{shown} is no shared library: name {NAME} in {ENVIRONMENT_VARIABLE}");
        };
        let mut head = [0; Machine::BYTES];
        let program = crate::jvm::as_allowed(&jvm.status.owner, || jvm.process.file("exe"));
        program
            .and_then(|mut program| program.read_exact(&mut head))
            .context("the JVM's program cannot be read")?;
        let theirs = Machine::of(&head).context("the JVM's program is of an unknown form")?;
        if ours != theirs {
            bail!(
                "the library {shown} is for {ours}, the JVM runs on {theirs}: name a library for \
                 {theirs} in {ENVIRONMENT_VARIABLE}"
            );
        }
        match (self.libc(), libc) {
            (Some(ours), Some(theirs)) if ours != theirs => bail!(
                "the library {shown} is for {ours}, the JVM runs on {theirs}: put one that is built for \
                 {theirs} beside the finwatch command as {}, or name it in {ENVIRONMENT_VARIABLE}",
                installed_name(theirs)
            ),
            _ => Ok(()),
        }
    }

    /// The C library that it needs: the names of those are in its string table.
    fn libc(&self) -> Option<Libc> {
        let names = |name: &[u8]| self.bytes.windows(name.len()).any(|window| window == name);
        match () {
            () if names(b"\0libc.so.6\0") => Some(Libc::Glibc),
            () if names(b"\0libc.musl-") || names(b"\0libc.so\0") => Some(Libc::Musl),
            () => None,
        }
    }
}

fn path(given: Option<OsString>, libc: Option<Libc>) -> anyhow::Result<PathBuf> {
    match given {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => {
            let command = std::env::current_exe().context("where finwatch is cannot be told")?;
            let beside = command.parent().unwrap_or(Path::new("/"));
            Ok(found_in(beside, libc).unwrap_or_else(|| beside.join(NAME)))
        }
    }
}

fn installed_name(libc: Libc) -> &'static str {
    match libc {
        Libc::Glibc => NAME,
        Libc::Musl => NAME_FOR_MUSL,
    }
}

/// The first that is there, of the names that it has when it is installed, and as a release is built.
fn found_in(directory: &Path, libc: Option<Libc>) -> Option<PathBuf> {
    let for_musl = [
        NAME_FOR_MUSL.to_owned(),
        format!("libfinwatch-{ARCH}-musl.so"),
    ];
    let for_any = [NAME.to_owned(), format!("libfinwatch-{ARCH}.so")];
    let of_that_libc = for_musl.iter().filter(|_| libc == Some(Libc::Musl));
    let mut paths = of_that_libc
        .chain(&for_any)
        .map(|name| directory.join(name));
    paths.find(|path| path.exists())
}

/// What a program is compiled for (`elf(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Machine {
    class: u8,
    is_big_endian: bool,
    number: u16,
}

impl Machine {
    /// How much of a file has to be known.
    const BYTES: usize = 20;

    /// `None` for what is no ELF file.
    fn of(bytes: &[u8]) -> Option<Machine> {
        let head = bytes.get(..Machine::BYTES)?.strip_prefix(b"\x7fELF")?;
        let is_big_endian = head[1] == 2;
        let number = [head[14], head[15]];
        Some(Machine {
            class: head[0],
            is_big_endian,
            number: match is_big_endian {
                true => u16::from_be_bytes(number),
                false => u16::from_le_bytes(number),
            },
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.class == 1 { 32 } else { 64 };
        match self.number {
            3 => write!(f, "x86 (32 bit)"),
            20 | 21 => write!(f, "PowerPC ({bits} bit)"),
            22 => write!(f, "s390 ({bits} bit)"),
            40 => write!(f, "ARM (32 bit)"),
            62 => write!(f, "x86-64"),
            183 => write!(f, "AArch64"),
            243 => write!(f, "RISC-V ({bits} bit)"),
            other => write!(f, "machine {other} ({bits} bit)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_for_this_machine() {
        let program = std::fs::read("/proc/self/exe").unwrap();
        let machine = Machine::of(&program).unwrap();
        assert_eq!(
            machine.to_string().replace("AArch64", "aarch64"),
            ARCH.replace('_', "-")
        );
    }

    #[test]
    fn a_jvm_on_musl_gets_the_library_for_musl_where_there_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let found = |libc| {
            let path = found_in(directory.path(), Some(libc))?;
            Some(path.file_name()?.to_string_lossy().into_owned())
        };
        let add = |name: &str| std::fs::write(directory.path().join(name), "").unwrap();
        let built = |host: &str| format!("libfinwatch-{ARCH}{host}.so");

        assert_eq!(found(Libc::Musl), None);
        add(&built(""));
        assert_eq!(found(Libc::Glibc), Some(built("")));
        assert_eq!(
            found(Libc::Musl),
            Some(built("")),
            "check() tells what is wrong"
        );
        add(&built("-musl"));
        assert_eq!(found(Libc::Glibc), Some(built("")));
        assert_eq!(found(Libc::Musl), Some(built("-musl")));
        add(NAME);
        assert_eq!(found(Libc::Glibc).as_deref(), Some(NAME));
        assert_eq!(found(Libc::Musl), Some(built("-musl")));
        add(NAME_FOR_MUSL);
        assert_eq!(found(Libc::Musl).as_deref(), Some(NAME_FOR_MUSL));
    }

    #[test]
    fn machines() {
        let head = |class: u8, order: u8, number: [u8; 2]| {
            let mut head = b"\x7fELF".to_vec();
            head.extend([class, order]);
            head.extend([0; 12]);
            head.extend(number);
            Machine::of(&head).unwrap().to_string()
        };
        assert_eq!(head(2, 1, [183, 0]), "AArch64");
        assert_eq!(head(1, 1, [3, 0]), "x86 (32 bit)");
        assert_eq!(head(2, 2, [0, 22]), "s390 (64 bit)");
        assert_eq!(Machine::of(b"#!/bin/sh\nexec java -jar"), None);
        assert_eq!(Machine::of(b"\x7fELF"), None);
    }
}
