//! Where things are, and how long anything may take before it counts as hung.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest that any single wait lasts. Generous: it is there so that a hang ends
/// with a report, not to measure anything.
pub const WATCHDOG: Duration = Duration::from_secs(120);

/// Waits for what no stream and no output tells.
///
/// # Panics
/// It does not come within [`WATCHDOG`].
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < WATCHDOG, "no {what} within {WATCHDOG:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// The directory that cargo builds into: `CARGO_TARGET_DIR`, else `target` of the workspace.
pub fn target_directory() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// A directory of the tests' own below the target directory, made if need be: what is
/// worth keeping from one run to the next.
pub fn cache_directory() -> PathBuf {
    let directory = target_directory().join("finwatch-tests");
    std::fs::create_dir_all(&directory)
        .unwrap_or_else(|e| panic!("cannot make the directory {}: {e}", directory.display()));
    directory
}

/// Runs `action` while no other process of the tests runs one under the same name.
pub fn exclusively<T>(name: &str, action: impl FnOnce() -> T) -> T {
    let path = cache_directory().join(format!("{name}.lock"));
    let file = std::fs::File::create(&path)
        .and_then(|file| file.lock().map(|()| file))
        .unwrap_or_else(|e| panic!("cannot lock {}: {e}", path.display()));
    let result = action();
    drop(file);
    result
}

/// A short name for contents: the same bytes, the same name.
pub fn fingerprint(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.as_ref().iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
