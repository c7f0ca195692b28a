//! The command line of the `java` launcher: which program it runs, and flags of the JVM
//! that matter for an attach.
//!
//! Launchers of other names (an application server's, a test's) have command lines of
//! their own, and `@files` are not read: then nothing is said.

use std::path::{Path, PathBuf};

use super::mapped::is_agent;

/// Options of `java` whose value is the next word (`java --help`).
const WITH_VALUE: [&str; 14] = [
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--upgrade-module-path",
    "--add-modules",
    "--enable-native-access",
    "--illegal-native-access",
    "--add-reads",
    "--add-exports",
    "--add-opens",
    "--limit-modules",
    "--patch-module",
];

/// Main class, `module/class`, or file name of the jar; `None` where it cannot be told.
pub fn program(words: &[String]) -> Option<String> {
    let mut words = words.iter().map(String::as_str);
    if !is_java(words.next()?) {
        return None;
    }
    while let Some(word) = words.next() {
        match word {
            "-jar" => return words.next().map(file_name),
            "-m" | "--module" => return words.next().map(str::to_owned),
            option if WITH_VALUE.contains(&option) => drop(words.next()),
            option if option.starts_with('@') => return None,
            option if option.starts_with("--module=") => {
                return option.strip_prefix("--module=").map(str::to_owned);
            }
            option if option.starts_with('-') => {}
            main => return Some(main.to_owned()),
        }
    }
    None
}

/// Whether a path is that of a `java` launcher.
pub fn is_java(path: &str) -> bool {
    file_name(path) == "java"
}

/// The program in `sun.rt.javaCommand`: main class or jar, then its arguments.
pub fn program_of_command(command: &str) -> Option<String> {
    let first = command.split(' ').next().filter(|word| !word.is_empty())?;
    Some(if first.ends_with(".jar") {
        file_name(first)
    } else {
        first.to_owned()
    })
}

fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(
        || path.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The value of a flag `-XX:+NAME` or `-XX:-NAME`, the last of which counts.
pub fn flag<'a>(words: impl DoubleEndedIterator<Item = &'a str>, name: &str) -> Option<bool> {
    words.rev().find_map(|word| {
        let (sign, given) = word.strip_prefix("-XX:")?.split_at_checked(1)?;
        match sign {
            "+" if given == name => Some(true),
            "-" if given == name => Some(false),
            _ => None,
        }
    })
}

/// The path of our library in a flag `-agentpath:PATH=OPTIONS`. A name alone is none: the loader looks for that.
pub fn agent_path<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<PathBuf> {
    words.find_map(|word| {
        let flag = word.strip_prefix("-agentpath:")?;
        let path = flag.split('=').next().filter(|path| path.contains('/'))?;
        is_agent(file_name(path).as_bytes()).then(|| path.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn programs() {
        for (line, main) in [
            (
                "java -Xmx1g -cp a.jar com.acme.Main x -jar y",
                Some("com.acme.Main"),
            ),
            ("/usr/bin/java -jar /srv/app.jar --port 1", Some("app.jar")),
            (
                "java -p mods -m acme/com.acme.Main",
                Some("acme/com.acme.Main"),
            ),
            ("java --module=acme", Some("acme")),
            ("java --add-opens a/b=ALL-UNNAMED -ea Main", Some("Main")),
            ("java @options Main", None),
            ("java -version", None),
            ("jcmd -l", None),
            ("", None),
        ] {
            assert_eq!(program(&words(line)).as_deref(), main, "{line}");
        }
        assert_eq!(program(&[]), None);
        assert_eq!(
            program_of_command("/srv/app.jar -x").as_deref(),
            Some("app.jar")
        );
        assert_eq!(
            program_of_command("m/com.Main -x").as_deref(),
            Some("m/com.Main")
        );
        assert_eq!(program_of_command(""), None);
    }

    #[test]
    fn the_library_in_a_flag() {
        let path = |line: &str| agent_path(line.split(' '));
        let found = path("-Xmx1g -agentpath:/p.so=a -agentpath:./libfinwatch.so=out=/s,log=off");
        assert_eq!(found, Some("./libfinwatch.so".into()));
        assert_eq!(
            path("-agentpath:libfinwatch.so -agentlib:/libfinwatch.so"),
            None
        );
    }

    #[test]
    fn the_last_flag_counts() {
        let value = |line: &str| flag(line.split(' '), "DisableAttachMechanism");
        assert_eq!(value("-XX:+DisableAttachMechanism"), Some(true));
        assert_eq!(
            value("-XX:+DisableAttachMechanism -Xmx1g -XX:-DisableAttachMechanism"),
            Some(false)
        );
        assert_eq!(value("-XX:DisableAttachMechanism -XX: -XX:+Disable"), None);
    }
}
