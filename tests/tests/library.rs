//! The library for production hosts, as a linker of their age sees it, and a panic in
//! each of its entries.
//!
//! It is built here with `agent/build-release`, or given as `FINWATCH_RELEASE_LIB`.

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

fn release_library() -> PathBuf {
    match std::env::var_os("FINWATCH_RELEASE_LIB") {
        Some(path) => path.into(),
        None => build("dist", &[]),
    }
}

/// What `agent/build-release` makes for this machine, in a directory below cargo's.
fn build(directory: &str, arguments: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = target_directory().join(directory);
    let output = Command::new(root.join("agent/build-release"))
        .arg("--out")
        .arg(&directory)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("agent/build-release can't be run: {e}"));
    assert!(
        output.status.success(),
        "agent/build-release failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    directory.join(format!("libfinwatch-{}.so", std::env::consts::ARCH))
}

/// The release, as its file has it.
fn bytes() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let path = release_library();
        std::fs::read(&path).unwrap_or_else(|e| panic!("{} can't be read: {e}", path.display()))
    });
    &BYTES
}

/// The parts of it that a dynamic linker reads.
struct Linked {
    endian: Endianness,
    header: &'static Header,
    sections: SectionTable<'static, Header>,
}

impl Linked {
    fn release() -> Linked {
        let header = Header::parse(bytes()).unwrap();
        let endian = header.endian().unwrap();
        let sections = header.sections(endian, bytes()).unwrap();
        Linked {
            endian,
            header,
            sections,
        }
    }

    fn dynamic(&self) -> &'static [elf::Dyn64<Endianness>] {
        let found = self.sections.dynamic(self.endian, bytes()).unwrap();
        found.expect("a dynamic section").0
    }

    fn symbols(&self) -> SymbolTable<'static, Header> {
        let symbols = self.sections.symbols(self.endian, bytes(), elf::SHT_DYNSYM);
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
        let found = self.sections.gnu_verneed(self.endian, bytes()).unwrap();
        let (libraries, strings) = found.expect("versions");
        let strings = self.sections.strings(self.endian, bytes(), strings);
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
    let versions = Linked::release().versions();
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
    let exported = Linked::release().exported();
    assert_eq!(exported, BTreeSet::from(entry_points));
}

#[test]
fn it_needs_the_c_library_and_nothing_else() {
    let parts = ["libc.so.6", "libpthread.so.0", "libdl.so.2", "libm.so.6"];
    for needed in Linked::release().needed() {
        let linker = needed.starts_with("ld-linux");
        assert!(linker || parts.contains(&needed.as_str()), "{needed}");
    }
}

#[test]
fn it_is_stripped_and_small() {
    let library = Linked::release();
    let mut sections = library.sections.iter();
    assert!(
        sections.all(|section| section.sh_type(library.endian) != elf::SHT_SYMTAB),
        "it has a symbol table"
    );
    assert!(bytes().len() <= LARGEST, "{} bytes", bytes().len());
}

#[test]
fn its_code_is_neither_changed_when_loaded_nor_writable_nor_its_stack_executable() {
    let library = Linked::release();
    for entry in library.dynamic() {
        let (tag, value) = (entry.tag(library.endian), entry.val(library.endian));
        assert_ne!(tag, elf::DT_TEXTREL, "text relocations");
        let flagged = tag == elf::DT_FLAGS && value & elf::DF_TEXTREL.0 != 0;
        assert!(!flagged, "text relocations");
    }
    let segments = library.header.program_headers(library.endian, bytes());
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
    assert!(!bytes().windows(told.len()).any(|window| window == told));
}

#[test]
fn it_watches_on_every_jdk() {
    let library = release_library();
    for_each_jdk(|case| {
        let launch = with_library(Launch::new(case), &library);
        let mut ended = live_and_end(launch, None);
        let level = ended.stream().start().coverage.level;
        assert_eq!(level, CoverageLevel::Exact, "{}", case.name());
    });
}

#[test]
fn a_panic_in_any_entry_leaves_the_jvm_running() {
    let arguments = ["--features", "fault-injection"];
    let library = build("fault-injection", &arguments);
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
