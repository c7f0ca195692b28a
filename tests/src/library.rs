//! The agent under test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::workspace;

/// Path of `libfinwatch.so`: what `FINWATCH_LIB` names, else the release build, made
/// or brought up to date now (once in a process).
pub fn agent_library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY
        .get_or_init(|| match std::env::var_os("FINWATCH_LIB") {
            Some(path) => given(PathBuf::from(path)),
            None => built(),
        })
        .clone()
}

fn given(path: PathBuf) -> PathBuf {
    assert!(
        path.is_file(),
        "FINWATCH_LIB is '{}', which is no file: name the libfinwatch.so to test, or unset it to have it built",
        path.display()
    );
    std::path::absolute(&path).unwrap_or(path)
}

fn built() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", "finwatch-agent"])
        .current_dir(workspace::root())
        .output()
        .unwrap_or_else(|e| panic!("cannot run cargo to build the agent: {e}"));
    assert!(
        output.status.success(),
        "the agent does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let library = workspace::target_directory().join("release/libfinwatch.so");
    assert!(
        library.is_file(),
        "cargo built the agent, but there is no {}",
        library.display()
    );
    library
}
