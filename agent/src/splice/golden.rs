//! The redirections over the real classes of eight JDKs: each golden file is the difference that a
//! redirection makes, to be read by a reviewer. `UPDATE_GOLDEN=1` writes them anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::listing::listing;
use super::{
    Refused, VmNames, calls_hook, class_file::ClassFile, finalizer, reference_queue, vm_names,
};

const JDKS: [u32; 8] = [8, 11, 17, 21, 25, 26, 27, 28];
const FORMS: [&str; 2] = ["shipped", "reconstituted"];

/// Lines shown before and after a change.
const CONTEXT: usize = 3;

type Redirection = fn(&[u8]) -> Result<Vec<u8>, Refused>;

const REDIRECTIONS: [(&str, Redirection); 2] = [
    ("Finalizer", finalizer),
    ("ReferenceQueue", reference_queue),
];

fn directory(jdk: u32, form: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    golden.join(jdk.to_string()).join(form)
}

fn class_file(jdk: u32, form: &str, name: &str) -> Vec<u8> {
    fs::read(directory(jdk, form).join(name).with_extension("class")).unwrap()
}

/// Runs `check` on every class of every JDK, in both forms.
fn for_each(check: impl Fn(u32, &str, &str, Redirection)) {
    for jdk in JDKS {
        for form in FORMS {
            for (name, redirection) in REDIRECTIONS {
                check(jdk, form, name, redirection);
            }
        }
    }
}

#[test]
fn redirections_change_what_the_golden_files_say() {
    for_each(|jdk, form, name, redirection| {
        let original = class_file(jdk, form, name);
        let changes = changes(
            &listing(&original),
            &listing(&redirection(&original).unwrap()),
        );
        let golden = directory(jdk, form).join(name).with_extension("diff");
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &changes).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(changes, expected, "{}", golden.display());
    });
}

#[test]
fn reading_and_writing_changes_no_byte() {
    for_each(|jdk, form, name, _| {
        let original = class_file(jdk, form, name);
        assert_eq!(
            ClassFile::parse(&original).unwrap().write().unwrap(),
            original
        );
    });
}

#[test]
fn a_redirected_class_is_known_as_such() {
    for_each(|jdk, form, name, redirection| {
        let redirected = redirection(&class_file(jdk, form, name)).unwrap();
        assert_eq!(
            redirection(&redirected),
            Err(Refused::AlreadyRedirected),
            "{jdk} {form}"
        );
    });
}

#[test]
fn names_are_read_before_and_after() {
    for jdk in JDKS {
        let expected = VmNames {
            java_lang_access: match jdk {
                8 => "sun/misc/JavaLangAccess",
                11 => "jdk/internal/misc/JavaLangAccess",
                _ => "jdk/internal/access/JavaLangAccess",
            }
            .to_owned(),
            vm: if jdk == 8 {
                "sun/misc/VM"
            } else {
                "jdk/internal/misc/VM"
            }
            .to_owned(),
        };
        for form in FORMS {
            let [class, queue] = REDIRECTIONS.map(|(name, _)| class_file(jdk, form, name));
            assert_eq!(
                vm_names(&class, &queue).as_ref(),
                Ok(&expected),
                "{jdk} {form}"
            );
            let (class, queue) = (finalizer(&class).unwrap(), reference_queue(&queue).unwrap());
            assert_eq!(
                vm_names(&class, &queue).as_ref(),
                Ok(&expected),
                "{jdk} {form}"
            );
        }
    }
}

#[test]
fn hook_calls_are_found_in_the_methods_that_make_them() {
    for_each(|jdk, form, name, redirection| {
        let original = class_file(jdk, form, name);
        let redirected = redirection(&original).unwrap();
        assert_eq!(hooked_methods(&original), Vec::<String>::new());
        let expected: &[&str] = match (name, jdk) {
            ("Finalizer", _) => &["register registered", "runFinalizer invokeFinalize"],
            (_, ..21) => &["enqueue enqueued"],
            _ => &["enqueue0 enqueued"],
        };
        assert_eq!(hooked_methods(&redirected), expected, "{jdk} {form}");
    });
}

/// Every method with the hooks that it calls, through what JVMTI would show of the class.
fn hooked_methods(class_file: &[u8]) -> Vec<String> {
    let class = ClassFile::parse(class_file).unwrap();
    let mut pool = Vec::new();
    class.pool.write(&mut pool).unwrap();
    let count = u16::from_be_bytes([pool[0], pool[1]]);
    let mut found = Vec::new();
    for (method, code) in class.codes().unwrap() {
        for hook in ["registered", "invokeFinalize", "enqueued"] {
            if calls_hook(&code.bytes, count, &pool[2..], hook).unwrap() {
                let method = String::from_utf8_lossy(class.method_name(method).unwrap());
                found.push(format!("{method} {hook}"));
            }
        }
    }
    found.sort();
    found
}

/// Lines taken away (`-`) and added (`+`), with a few around them and the method they are in.
fn changes(old: &str, new: &str) -> String {
    let lines = differences(
        &old.lines().collect::<Vec<_>>(),
        &new.lines().collect::<Vec<_>>(),
    );
    let near = |index: usize| {
        let first = index.saturating_sub(CONTEXT);
        lines[first..lines.len().min(index + CONTEXT + 1)]
            .iter()
            .any(|(sign, _)| *sign != ' ')
    };
    let (mut out, mut shown) = (String::new(), true);
    for (index, (sign, line)) in lines.iter().enumerate() {
        let heading = !line.starts_with(' ');
        if near(index) || heading {
            if !shown && !heading {
                out.push_str("   ...\n");
            }
            writeln!(out, "{sign}{line}").unwrap();
        }
        shown = near(index) || heading;
    }
    out
}

/// A shortest edit script: the longest common subsequence stays.
fn differences<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            common[i][j] = match left == right {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut script) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            script.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            script.push(('-', old[i]));
            i += 1;
        } else {
            script.push(('+', new[j]));
            j += 1;
        }
    }
    script
}
