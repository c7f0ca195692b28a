//! What this JDK calls the internal classes that the shim needs.

use super::class_file::ClassFile;
use super::refused::{Result, shape, shown};
use super::run_finalizer::run_finalizer_method;

/// JDK-internal classes by the names that this JDK uses (`/` between packages).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmNames {
    /// The interface whose `invokeFinalize` the finalizer thread calls: `sun/misc/JavaLangAccess` (8),
    /// `jdk/internal/misc/JavaLangAccess` (9-11), `jdk/internal/access/JavaLangAccess` (12 and later).
    pub java_lang_access: String,
    /// The class with `addFinalRefCount`: `sun/misc/VM` (8), `jdk/internal/misc/VM` (9 and later).
    pub vm: String,
}

/// Reads the names that differ between JDKs out of `Finalizer` and `ReferenceQueue`, redirected or not.
pub fn vm_names(finalizer: &[u8], reference_queue: &[u8]) -> Result<VmNames> {
    let finalizer = ClassFile::parse(finalizer)?;
    let (_, access) = run_finalizer_method(&finalizer)?;
    let queue = ClassFile::parse(reference_queue)?;
    let mut owners: Vec<&[u8]> = queue
        .pool
        .members()
        .filter(|member| (member.name, member.descriptor) == (b"addFinalRefCount", b"(I)V"))
        .map(|member| member.owner)
        .collect();
    owners.sort_unstable();
    owners.dedup();
    match owners[..] {
        [vm] => Ok(VmNames {
            java_lang_access: text(&access)?,
            vm: text(vm)?,
        }),
        _ => shape(
            "java.lang.ref.ReferenceQueue",
            "one class whose addFinalRefCount(int) it calls",
            format!("{} of them", owners.len()),
        ),
    }
}

fn text(name: &[u8]) -> Result<String> {
    match str::from_utf8(name) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => shape("a class name", "plain UTF-8", shown(name)),
    }
}
