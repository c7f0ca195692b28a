//! The name that the loader knows our own library by.

use std::ffi::{CStr, c_void};
use std::ptr;

use nix::libc::{Dl_info, dladdr};

/// The path that the library was loaded with, as it was given: where a link or a relative path is in it, the kernel has
/// another one. glibc finds a library whose file is gone by this name alone. `None` where it is no text.
pub fn loaded_as() -> Option<String> {
    let mut found = Dl_info {
        dli_fname: ptr::null(),
        dli_fbase: ptr::null_mut(),
        dli_sname: ptr::null(),
        dli_saddr: ptr::null_mut(),
    };
    let ours: fn() -> Option<String> = loaded_as;
    // SAFETY: dladdr looks up what lies at an address, whatever that is, and writes to the struct alone (MT-Safe,
    // dladdr(3)).
    let known = unsafe { dladdr(ours as *const c_void, &raw mut found) } != 0;
    if !known || found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a found name is the loader's own string, which ends in NUL and stays as long as the library, whose code
    // this is (dladdr(3)).
    let name = unsafe { CStr::from_ptr(found.dli_fname) };
    name.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_test_it_is_the_test() {
        let name = loaded_as().unwrap();
        let test = std::env::current_exe().unwrap();
        assert_eq!(std::path::Path::new(&name).file_name(), test.file_name());
    }
}
