//! Paths in options: their `%` escapes, their limits, and `out` as a whole.
//!
//! What the file system would refuse for ever (a name too long, a directory's name) is
//! a mistake here, at start, and not a writer that retries all day. What may still come
//! true later (a directory that does not exist yet) is the writer's business.

use std::{
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use super::{Destination, Facts, mistake::quoted};

/// Room for a path in `sockaddr_un`, 108 bytes on Linux with the final NUL.
const LONGEST_SOCKET_PATH: usize = 107;
/// `PATH_MAX` of Linux without the final NUL.
const LONGEST_PATH: usize = 4095;
/// `NAME_MAX` of the usual Linux file systems.
const LONGEST_NAME: usize = 255;
/// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// The names of the standard streams among the devices, and the keywords that mean the same. They are symbolic links,
/// but the system's, and each process that opens one gets its own.
const DEVICES: [(&str, &str); 6] = [
    ("/dev/stdout", "stdout"),
    ("/dev/fd/1", "stdout"),
    ("/proc/self/fd/1", "stdout"),
    ("/dev/stderr", "stderr"),
    ("/dev/fd/2", "stderr"),
    ("/proc/self/fd/2", "stderr"),
];

/// The keyword for a standard stream, `stdout` or `stderr`, where a path is its name among the devices.
pub fn keyword_of_device(path: &Path) -> Option<&'static str> {
    let mut devices = DEVICES.iter();
    let found = devices.find(|(device, _)| path == Path::new(device));
    found.map(|(_, keyword)| *keyword)
}

/// Value of `out`.
pub(super) fn parse(value: &str, facts: &Facts) -> Result<Destination, String> {
    match value {
        "stdout" => return Ok(Destination::Stdout),
        "stderr" => return Ok(Destination::Stderr),
        _ => {}
    }
    if let Some(value) = value.strip_prefix("unix:") {
        return socket(value, facts).map(Destination::Unix);
    }
    let path = path(value, facts)?;
    if let Some(keyword) = keyword_of_device(&path) {
        return parse(keyword, facts);
    }
    // `%h` on a host named stdout is still a file.
    match path.to_str() {
        Some(text) if is_keyword(text) => Ok(Destination::File(Path::new(".").join(path))),
        _ => Ok(Destination::File(path)),
    }
}

fn is_keyword(text: &str) -> bool {
    text == "stdout" || text == "stderr" || text.starts_with("unix:")
}

/// `out` with its escapes expanded, in a form that [`parse`] reads back to the same.
pub(super) fn show(destination: &Destination) -> String {
    match destination {
        Destination::File(path) => show_path(path),
        Destination::Stdout => "stdout".to_owned(),
        Destination::Stderr => "stderr".to_owned(),
        Destination::Unix(path) => format!("unix:{}", show_path(path)),
    }
}

/// A path in a form that [`path()`] reads back to the same.
pub(super) fn show_path(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%%")
}

/// The path of a file that exists or can be made, `%` escapes expanded.
pub(super) fn path(value: &str, facts: &Facts) -> Result<PathBuf, String> {
    let path = expand(value, facts)?;
    let last = path.rsplit('/').next().unwrap_or_default();
    if matches!(last, "" | "." | "..") {
        return Err("that is the name of a directory".to_owned());
    }
    if let Some(name) = path.split('/').find(|name| name.len() > LONGEST_NAME) {
        return Err(format!(
            "a name in it has {} bytes, the most is {LONGEST_NAME}",
            name.len()
        ));
    }
    at_most(LONGEST_PATH, path)
}

fn socket(value: &str, facts: &Facts) -> Result<PathBuf, String> {
    if value.is_empty() {
        return Err("no PATH after unix:".to_owned());
    }
    at_most(LONGEST_SOCKET_PATH, expand(value, facts)?)
}

fn at_most(most: usize, path: String) -> Result<PathBuf, String> {
    if path.len() > most {
        return Err(format!(
            "the path has {} bytes, the most is {most}",
            path.len()
        ));
    }
    Ok(PathBuf::from(path))
}

fn expand(value: &str, facts: &Facts) -> Result<String, String> {
    let mut path = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            path.push(c);
            continue;
        }
        match rest.next() {
            Some('p') => path += &facts.pid.to_string(),
            Some('h') => path += &host(facts),
            Some('t') => path += &start_time(facts),
            Some('%') => path.push('%'),
            other => return Err(unknown_escape(other)),
        }
    }
    Ok(path)
}

fn unknown_escape(after_percent: Option<char>) -> String {
    let escape: String = std::iter::once('%').chain(after_percent).collect();
    format!(
        "{} is no escape, %p (process id), %h (host), %t (start time) and %% are",
        quoted(escape.as_bytes())
    )
}

fn host(facts: &Facts) -> String {
    let plain = |c: char| match c {
        '.' | '_' | '-' => c,
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    };
    match facts.host.as_str() {
        "" | "." | ".." => "unknown".to_owned(),
        // A kernel's host name has at most 64 bytes.
        host => host.chars().take(64).map(plain).collect(),
    }
}

fn start_time(facts: &Facts) -> String {
    // A clock before 1970 or past 9999 is wrong, but no reason to panic.
    let since_epoch = facts.start.duration_since(UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_epoch.min(LAST_SECOND))
        .to_string()
        .replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::facts;

    fn file(path: &str) -> Result<Destination, String> {
        Ok(Destination::File(PathBuf::from(path)))
    }

    #[test]
    fn where_the_stream_goes() {
        let unix = |path| Ok(Destination::Unix(PathBuf::from(path)));
        for (value, wanted) in [
            ("stdout", Ok(Destination::Stdout)),
            ("stderr", Ok(Destination::Stderr)),
            ("/dev/stdout", Ok(Destination::Stdout)),
            ("/dev//fd/./1", Ok(Destination::Stdout)),
            ("/proc/self/fd/2", Ok(Destination::Stderr)),
            ("/dev/fd/3", file("/dev/fd/3")),
            ("./stdout", file("./stdout")),
            ("Stdout", file("Stdout")),
            ("/var/log/app.jsonl", file("/var/log/app.jsonl")),
            ("a=b c", file("a=b c")),
            ("/dev/null", file("/dev/null")),
            ("unix:/run/finwatch.sock", unix("/run/finwatch.sock")),
            ("unix:%p.sock", unix("4711.sock")),
            (
                "%h/%t-%p%%.jsonl",
                file("db-1.example/20261124T225959Z-4711%.jsonl"),
            ),
            ("%%p", file("%p")),
        ] {
            assert_eq!(parse(value, &facts()), wanted, "{value}");
        }
    }

    #[test]
    fn mistakes() {
        for (value, what) in [
            ("unix:", "no PATH after unix:"),
            ("logs/", "that is the name of a directory"),
            ("..", "that is the name of a directory"),
            ("a/.", "that is the name of a directory"),
            ("/", "that is the name of a directory"),
            (
                "%x",
                r#""%x" is no escape, %p (process id), %h (host), %t (start time) and %% are"#,
            ),
            (
                "100%",
                r#""%" is no escape, %p (process id), %h (host), %t (start time) and %% are"#,
            ),
        ] {
            assert_eq!(parse(value, &facts()), Err(what.to_owned()), "{value}");
        }
    }

    #[test]
    fn lengths() {
        let socket = |length| parse(&format!("unix:{}", "s".repeat(length)), &facts());
        assert!(socket(107).is_ok());
        assert_eq!(
            socket(108),
            Err("the path has 108 bytes, the most is 107".to_owned())
        );
        assert!(parse(&"n".repeat(255), &facts()).is_ok());
        assert_eq!(
            parse(&"n".repeat(256), &facts()),
            Err("a name in it has 256 bytes, the most is 255".to_owned())
        );
        assert!(parse(&"/n".repeat(2047), &facts()).is_ok());
        assert_eq!(
            parse(&"/n".repeat(2048), &facts()),
            Err("the path has 4096 bytes, the most is 4095".to_owned())
        );
    }

    #[test]
    fn a_host_name_stays_a_plain_name() {
        let with_host = |host: &str| Facts {
            host: host.to_owned(),
            ..facts()
        };
        for (host, path) in [
            ("a/../b", "a_.._b"),
            ("x\ny", "x_y"),
            ("", "unknown"),
            ("..", "unknown"),
            ("stdout", "./stdout"),
            ("b\u{fc}ro", "b_ro"),
        ] {
            assert_eq!(parse("%h", &with_host(host)), file(path), "{host:?}");
        }
        assert_eq!(parse("%h:x", &with_host("unix")), file("./unix:x"));
    }

    #[test]
    fn a_wrong_clock_is_no_panic() {
        let day = Duration::from_secs(86_400);
        let at = |start| parse("%t", &Facts { start, ..facts() });
        assert_eq!(at(UNIX_EPOCH - day), file("19700101T000000Z"));
        assert_eq!(at(UNIX_EPOCH + LAST_SECOND + day), file("99991231T235959Z"));
    }
}
