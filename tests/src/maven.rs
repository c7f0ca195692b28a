//! Maven, through which the programs and libraries come that others wrote.

use std::{ffi::OsStr, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

/// Has Maven reach these goals of a project, with these properties; what it says where it fails is in the error.
pub fn maven<S: AsRef<OsStr>>(pom: &Path, arguments: impl IntoIterator<Item = S>) -> Result<()> {
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(pom)
        .args(arguments)
        .output()
        .context("Maven must be installed as `mvn` (Debian: apt-get install maven)")?;
    ensure!(
        output.status.success(),
        "mvn of {} ended with {}:\n{}{}",
        pom.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
