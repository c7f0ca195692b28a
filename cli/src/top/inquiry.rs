//! Asks a running JVM who holds the objects of a class, while the screen goes on.
//!
//! What asks is `finwatch holders`, as a process of its own: whoever quits the screen meanwhile
//! leaves nothing half done behind in the JVM.

use std::io;
use std::process::{Command, Output, Stdio};
use std::thread;

use crossbeam_channel::Sender;
use finwatch_record::Holders;

/// This program, also where its file was replaced meanwhile.
const OURSELVES: &str = "/proc/self/exe";

/// What is asked of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The JVM's process id from here.
    pub pid: u32,
    /// Binary name of the class.
    pub class: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Answer {
    /// The class that was asked about.
    pub class: String,
    /// Who holds its objects, for each loader that has such a class; or in words why that is not known.
    pub holders: Result<Vec<Holders>, String>,
}

/// How it stands with a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// There is no answer yet.
    Asked {
        /// The class that was asked about.
        class: String,
    },
    /// There is none.
    Failed {
        /// The class that was asked about.
        class: String,
        /// Why, in words.
        why: String,
    },
}

impl Inquiry {
    /// The class that was asked about.
    pub fn class(&self) -> &str {
        match self {
            Inquiry::Asked { class } | Inquiry::Failed { class, .. } => class,
        }
    }
}

impl Question {
    /// Asks in a thread of its own, which sends the answer.
    pub fn ask<E: From<Answer> + Send + 'static>(self, to: Sender<E>) {
        thread::spawn(move || {
            let holders = read(self.command().output());
            let class = self.class;
            // Nobody listens any more: the screen is gone.
            let _ = to.send(Answer { class, holders }.into());
        });
    }

    fn command(&self) -> Command {
        let mut command = Command::new(OURSELVES);
        command
            .args([
                "holders",
                "--json",
                "--",
                &self.pid.to_string(),
                &self.class,
            ])
            .stdin(Stdio::null());
        command
    }
}

/// What the command said: a line of JSON for each loader, or words on stderr.
fn read(output: io::Result<Output>) -> Result<Vec<Holders>, String> {
    let output = output.map_err(|error| format!("finwatch holders can't be run: {error}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.trim().trim_start_matches("finwatch: ");
        return Err(match words {
            "" => format!("finwatch holders ended with {}", output.status),
            words => words.to_owned(),
        });
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let holders: serde_json::Result<Vec<Holders>> = lines.map(serde_json::from_slice).collect();
    holders.map_err(|error| format!("the answer can't be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn output(code: i32, out: &str, err: &str) -> io::Result<Output> {
        Ok(Output {
            status: ExitStatus::from_raw(code << 8),
            stdout: out.into(),
            stderr: err.into(),
        })
    }

    #[test]
    fn the_answer_is_a_line_for_each_loader() {
        let line = r#"{"class":"A","loader":null,"instances":2,"sampled":null,"held":2,"unheld":0,"paths":[],"complete":true,"incomplete_reason":null,"stw_ms":0.0,"stw_ms_max":0.0}"#;
        let holders = read(output(0, &format!("{line}\n{line}\n"), "")).unwrap();
        assert_eq!(holders.len(), 2);
        assert_eq!(holders[0].class, "A");
        let why = read(output(0, "no JSON\n", "")).unwrap_err();
        assert!(why.starts_with("the answer can't be read: "), "{why}");
    }

    #[test]
    fn what_went_wrong_is_said_in_the_words_of_the_command() {
        let why = read(output(3, "", "finwatch: 4711: no answer: it is stopped\n"));
        assert_eq!(why.unwrap_err(), "4711: no answer: it is stopped");
        let why = read(output(3, "", "")).unwrap_err();
        assert_eq!(why, "finwatch holders ended with exit status: 3");
        let why = read(Err(io::ErrorKind::NotFound.into())).unwrap_err();
        assert!(why.starts_with("finwatch holders can't be run: "), "{why}");
    }

    #[test]
    fn a_class_is_never_an_option() {
        let question = Question {
            pid: 4711,
            class: "--help".to_owned(),
        };
        let command = question.command();
        let words: Vec<_> = command.get_args().collect();
        assert_eq!(words, ["holders", "--json", "--", "4711", "--help"]);
    }
}
