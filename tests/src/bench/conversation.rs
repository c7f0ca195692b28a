//! A program that waits for bytes on its standard input and answers each with a line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Such a program. It ends when this is dropped, for its standard input then does.
pub struct Conversation {
    child: Child,
    /// `None` only while it is being dropped.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    /// Started; it has said nothing yet.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
        let input = child.stdin.take();
        let output = child
            .stdout
            .take()
            .context("the child has no standard output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns when it has said `ready`, and nothing else.
    pub fn await_ready(&mut self) -> Result<()> {
        let line = self.line()?;
        ensure!(
            line == "ready",
            "wanted the line `ready` from the program, got {line:?}"
        );
        Ok(())
    }

    /// Asks, and gives the answer, one line.
    pub fn ask(&mut self) -> Result<String> {
        self.send()?;
        self.line()
    }

    /// Asks.
    pub fn send(&mut self) -> Result<()> {
        let input = self.input.as_mut();
        let input = input.context("the program's input is closed")?;
        Ok(input.write_all(b"\n")?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Conversation {
    /// End of input ends the program.
    fn drop(&mut self) {
        self.input.take();
        // Nothing to be done about a child that cannot be waited for.
        let _ = self.child.wait();
    }
}
