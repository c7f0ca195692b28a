//! The libraries for production hosts, as a linker of their age sees them or that of musl, and a panic in each entry.
//!
//! They are built here with `agent/build-release`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use finwatch_record::CoverageLevel;
use finwatch_tests::{Ended, Finwatch, Launch, WATCHDOG, for_each_jdk, target_directory};
use object::read::elf::{
    Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym, SymbolTable,
};
use object::{Endianness, elf};

type Header = elf::FileHeader64<Endianness>;

/// Stripped: 3 MB.
const LARGEST: usize = 3_000_000;

/// The glibc of the oldest hosts: 2.17 of 2012.
const NEWEST_GLIBC: (u32, u32) = (2, 17);

/// The entries of `agent/src/jvmti/callbacks.rs`.
const ENTRIES: [&str; 8] = [
    "VmInit",
    "VmDeath",
    "Retransform",
    "PauseStarted",
    "PauseFinished",
    "AgentThread",
    "Reference",
    "Load",
];

const ARCH: &str = std::env::consts::ARCH;

/// What `agent/build-release` makes for a host, in a directory below cargo's.
fn build(directory: &str, host: &str, arguments: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = target_directory().join(directory);
    let output = Command::new(root.join("agent/build-release"))
        .arg("--out")
        .arg(&directory)
        .args(arguments)
        .args(["--library", host])
        .output()
        .unwrap_or_else(|e| panic!("agent/build-release can't be run: {e}"));
    assert!(
        output.status.success(),
        "agent/build-release failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    directory.join(format!("libfinwatch-{host}.so"))
}

/// A release, as its file has it, and the parts of it that a dynamic linker reads.
struct Linked {
    path: PathBuf,
    bytes: &'static [u8],
    endian: Endianness,
    header: &'static Header,
    sections: SectionTable<'static, Header>,
}

static WITH_GLIBC: LazyLock<Linked> = LazyLock::new(|| Linked::release(ARCH));

/// `None` where Rust's standard library for musl is not to be had.
static WITH_MUSL: LazyLock<Option<Linked>> = LazyLock::new(|| {
    let there = has_standard_library(&format!("{ARCH}-unknown-linux-musl"));
    there.then(|| Linked::release(&format!("{ARCH}-musl")))
});

fn both() -> impl Iterator<Item = &'static Linked> {
    std::iter::once(&*WITH_GLIBC).chain(WITH_MUSL.as_ref())
}

/// Whether Rust can compile for a target, with what rustup fetches for it if need be.
fn has_standard_library(target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    let asked = rustc.args(["--print", "target-libdir", "--target", target]);
    let printed = asked.output().expect("rustc can't be run").stdout;
    let add = || {
        Command::new("rustup")
            .args(["target", "add", target])
            .status()
    };
    Path::new(text(&printed).trim()).exists() || add().is_ok_and(|status| status.success())
}

impl Linked {
    fn release(host: &str) -> Linked {
        let path = build("dist", host, &[]);
        let bytes = std::fs::read(&path);
        let bytes = bytes.unwrap_or_else(|e| panic!("{} can't be read: {e}", path.display()));
        let bytes: &[u8] = bytes.leak();
        let header = Header::parse(bytes).unwrap();
        let endian = header.endian().unwrap();
        let sections = header.sections(endian, bytes).unwrap();
        Linked {
            path,
            bytes,
            endian,
            header,
            sections,
        }
    }

    fn dynamic(&self) -> &'static [elf::Dyn64<Endianness>] {
        let found = self.sections.dynamic(self.endian, self.bytes).unwrap();
        found.expect("a dynamic section").0
    }

    fn symbols(&self) -> SymbolTable<'static, Header> {
        let symbols = self
            .sections
            .symbols(self.endian, self.bytes, elf::SHT_DYNSYM);
        symbols.unwrap()
    }

    /// The names that the linker finds in the library.
    fn exported(&self) -> BTreeSet<String> {
        let symbols = self.symbols();
        let defined = symbols.iter().filter(|symbol| {
            !symbol.is_undefined(self.endian) && symbol.st_bind() != elf::STB_LOCAL
        });
        defined
            .map(|symbol| text(symbol.name(self.endian, symbols.strings()).unwrap()))
            .collect()
    }

    /// The libraries that the linker loads with it.
    fn needed(&self) -> BTreeSet<String> {
        let strings = self.symbols().strings();
        let needed = self.dynamic().iter();
        needed
            .filter(|entry| entry.tag(self.endian) == elf::DT_NEEDED)
            .map(|entry| text(entry.string(self.endian, strings).unwrap()))
            .collect()
    }

    /// Library and version, for each version that the linker looks for before it loads
    /// anything, whether a symbol has it or not.
    fn versions(&self) -> Vec<(String, String)> {
        let found = self.sections.gnu_verneed(self.endian, self.bytes).unwrap();
        let Some((libraries, strings)) = found else {
            return Vec::new();
        };
        let strings = self.sections.strings(self.endian, self.bytes, strings);
        let strings = strings.unwrap();
        let mut versions = Vec::new();
        for library in libraries {
            let (library, wanted) = library.unwrap();
            let file = text(library.file(self.endian, strings).unwrap());
            versions.extend(wanted.map(|version| {
                let name = version.unwrap().name(self.endian, strings).unwrap();
                (file.clone(), text(name))
            }));
        }
        versions
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn it_asks_for_no_glibc_after_2_17() {
    let versions = WITH_GLIBC.versions();
    assert!(!versions.is_empty(), "no version at all");
    for (file, version) in versions {
        // A name of another form, such as GLIBC_ABI_DT_RELR, is a demand of later times.
        let number = version.strip_prefix("GLIBC_").and_then(numbers);
        assert!(
            number.is_some_and(|number| number <= NEWEST_GLIBC),
            "{file} is asked for {version}"
        );
    }
}

/// `2.3.4` is 2 and 3.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[test]
fn it_exports_the_entry_points_of_an_agent_and_nothing_else() {
    let entry_points = ["Agent_OnLoad", "Agent_OnAttach"].map(String::from);
    let entry_points = BTreeSet::from(entry_points);
    for library in both() {
        assert_eq!(library.exported(), entry_points);
    }
}

#[test]
fn it_needs_the_c_library_and_nothing_else() {
    let parts = ["libc.so.6", "libpthread.so.0", "libdl.so.2", "libm.so.6"];
    for needed in WITH_GLIBC.needed() {
        let linker = needed.starts_with("ld-linux");
        assert!(linker || parts.contains(&needed.as_str()), "{needed}");
    }
    if let Some(library) = &*WITH_MUSL {
        // The loader of musl takes that name for itself, whatever its file is called (ldso/dynlink.c).
        assert_eq!(library.needed(), BTreeSet::from(["libc.so".to_owned()]));
        assert_eq!(library.versions(), [], "musl knows no versions");
    }
}

#[test]
fn musl_has_all_that_it_wants() {
    let loader = format!("/lib/ld-musl-{ARCH}.so.1");
    let Some(library) = WITH_MUSL.as_ref().filter(|_| Path::new(&loader).exists()) else {
        println!("not looked at: no {loader} (apt-get install musl), or rustup has nothing for it");
        return;
    };
    // Like ldd: it loads the library, and names what it does not find.
    let mut list = Command::new(loader);
    let output = list.arg("--list").arg(&library.path).output();
    let output = output.expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn it_is_stripped_and_small() {
    for library in both() {
        let mut sections = library.sections.iter();
        assert!(
            sections.all(|section| section.sh_type(library.endian) != elf::SHT_SYMTAB),
            "it has a symbol table"
        );
        assert!(
            library.bytes.len() <= LARGEST,
            "{} bytes",
            library.bytes.len()
        );
    }
}

#[test]
fn its_code_is_neither_changed_when_loaded_nor_writable_nor_its_stack_executable() {
    both().for_each(assert_hardened);
}

fn assert_hardened(library: &Linked) {
    for entry in library.dynamic() {
        let (tag, value) = (entry.tag(library.endian), entry.val(library.endian));
        assert_ne!(tag, elf::DT_TEXTREL, "text relocations");
        let flagged = tag == elf::DT_FLAGS && value & elf::DF_TEXTREL.0 != 0;
        assert!(!flagged, "text relocations");
    }
    let segments = library
        .header
        .program_headers(library.endian, library.bytes);
    let mut stack_said = false;
    for segment in segments.unwrap() {
        let flags = segment.p_flags(library.endian);
        let (writable, executable) = (flags.contains(elf::PF_W), flags.contains(elf::PF_X));
        assert!(!(writable && executable), "{segment:?}");
        stack_said |= segment.p_type(library.endian) == elf::PT_GNU_STACK;
    }
    assert!(stack_said, "without PT_GNU_STACK the stack is executable");
}

#[test]
fn a_release_can_not_be_told_to_panic() {
    let told = b"FINWATCH_FAULT";
    for library in both() {
        let mut windows = library.bytes.windows(told.len());
        assert!(!windows.any(|window| window == told));
    }
}

#[test]
fn it_watches_on_every_jdk() {
    for_each_jdk(|case| {
        let launch = with_library(Launch::new(case), &WITH_GLIBC.path);
        let mut ended = live_and_end(launch, None);
        let level = ended.stream().start().coverage.level;
        assert_eq!(level, CoverageLevel::Exact, "{}", case.name());
    });
}

#[test]
fn a_panic_in_any_entry_leaves_the_jvm_running() {
    let arguments = ["--features", "fault-injection"];
    let library = build("fault-injection", ARCH, &arguments);
    for_each_jdk(|case| {
        for entry in ENTRIES {
            let launch = with_library(Launch::new(case), &library);
            live_and_end(launch.environment("FINWATCH_FAULT", entry), Some(entry));
        }
    });
}

fn with_library(launch: Launch, library: &Path) -> Launch {
    let flag = format!(
        "-agentpath:{}=out=stream.jsonl,interval=100ms",
        library.display()
    );
    launch.without_agent().flag(flag)
}

/// Objects are registered, let go of and finalized; the program answers all along and
/// ends well. If an entry is to panic, that is said just once.
fn live_and_end(launch: Launch, panicking: Option<&str>) -> Ended {
    let mut jvm = launch.start();
    jvm.tell("register subject.Plain 100");
    jvm.tell("drop");
    jvm.tell("await subject.Plain 100");
    let said = panicking.map(|entry| format!("an error in the agent itself ({entry})"));
    if panicking == Some("Reference") {
        // What only a stack holds is looked for in a stop.
        jvm.tell("hold-stack 10");
        let pid = jvm.pid().to_string();
        let told = Finwatch::new(&["holders", &pid, "subject.Holding$StackHeld"]).succeed();
        assert!(told.out.contains("Not the whole answer"), "{told:#?}");
    }
    if let Some(said) = said.as_ref().filter(|_| panicking != Some("VmDeath")) {
        let line = jvm.err().line(0, WATCHDOG, |line| line.contains(said));
        line.unwrap_or_else(|why| panic!("no word of the panic: {why}"));
    }
    jvm.tell("register subject.Plain 1");
    let ended = jvm.end();
    assert!(ended.status.success(), "{}", ended.status);
    let err = ended.err();
    match said {
        Some(said) => assert_eq!(err.matches(&said).count(), 1, "{said} in:\n{err}"),
        None => assert_eq!(err, "", "standard error"),
    }
    ended
}
