//! What is told of one JVM, in a table or as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::jvm::{Jvm, Watch, as_allowed, user_name};

/// One JVM. In JSON, what is not known is `null`.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its process id here.
    pub pid: u32,
    /// Its process id in its own pid namespace.
    pub own_pid: u32,
    /// Whether it has a pid namespace or a root directory of its own.
    pub container: Option<bool>,
    /// The user that it acts as, as this machine calls it.
    pub user: String,
    /// The user's number.
    pub uid: u32,
    /// The JVM's version.
    pub version: Option<String>,
    /// Main class, `module/class`, or file name of the jar.
    pub program: Option<String>,
    /// Whether the agent watches it now.
    pub watched: Option<bool>,
    /// What the agent says about itself.
    pub watch: Option<Watch>,
    /// Path of the stream from here, where it goes to a file.
    pub stream_here: Option<String>,
    /// Why something is not known.
    pub unknown: Option<String>,
}

impl Row {
    /// Looks at a JVM.
    pub fn of(jvm: &Jvm) -> Row {
        let details = jvm.details.as_ref();
        let watch = details.map_or(Ok(None), |_| jvm.watch());
        let unknown = match (details, &watch) {
            (Err(error), _) | (_, Err(error)) => Some(not_readable(error)),
            (Ok(_), Ok(None)) if jvm.agent().is_some() && !Watch::can_be_told() => Some(
                "the agent is loaded; on this kernel it cannot say whether it watches".to_owned(),
            ),
            _ => None,
        };
        let watch = watch.ok().flatten();
        let stream_here = watch
            .as_ref()
            .map_or(Ok(None), |watch| stream_here(jvm, watch));
        let watched = match &watch {
            Some(watch) => Some(watch.is_watching()),
            None => unknown.is_none().then_some(false),
        };
        Row {
            pid: jvm.process.pid,
            own_pid: jvm.status.own_pid,
            container: details
                .ok()
                .map(|known| jvm.status.nested || !known.inside.is_ours),
            user: user_name(jvm.status.owner.user),
            uid: jvm.status.owner.user.as_raw(),
            version: jvm.version(),
            program: jvm.program(),
            watched,
            watch,
            unknown: unknown.or(stream_here.as_ref().err().map(not_found)),
            stream_here: stream_here.ok().flatten(),
        }
    }

    /// Writes it as a line of JSON.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

fn stream_here(jvm: &Jvm, watch: &Watch) -> io::Result<Option<String>> {
    let (Some(file), Ok(details)) = (watch.file(), &jvm.details) else {
        return Ok(None);
    };
    let inside = &details.inside;
    if inside.is_ours {
        return Ok(Some(watch.out.clone()));
    }
    let file = as_allowed(&jvm.status.owner, || inside.resolve(&file))?;
    Ok(Some(format!(
        "/proc/{}/root{}",
        jvm.process.pid,
        file.display()
    )))
}

fn not_found(error: &io::Error) -> String {
    format!("where its stream is can't be told from here: {error}")
}

fn not_readable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "not allowed to look into it: be root, or its user".to_owned()
        }
        _ => format!("it cannot be looked at: {error}"),
    }
}
