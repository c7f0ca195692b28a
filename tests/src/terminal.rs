//! A terminal of its own for a program: a pseudo-terminal, with a screen that can be read.
//!
//! As everywhere here, a wait ends with what it waits for: the screen is looked at when
//! something was written to it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::workspace::WATCHDOG;

/// A program in a terminal.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
}

struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

struct Written {
    terminal: vt100::Parser,
    is_over: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

fn emulator(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0)
}

impl Terminal {
    /// Runs a command in a terminal of that size, which knows UTF-8 and colours.
    pub fn run(command: &Command, columns: u16, rows: u16) -> Terminal {
        let pair = native_pty_system().openpty(size(columns, rows));
        let pair = pair.unwrap_or_else(|e| panic!("cannot open a pseudo-terminal: {e}"));
        let child = pair.slave.spawn_command(builder(command));
        let child = child.unwrap_or_else(|e| panic!("cannot run {command:?} in a terminal: {e}"));
        let reader = pair.master.try_clone_reader();
        let reader = reader.unwrap_or_else(|e| panic!("cannot read from the terminal: {e}"));
        let keyboard = pair.master.take_writer();
        let shared = Arc::new(Shared {
            written: Mutex::new(Written {
                terminal: emulator(columns, rows),
                is_over: false,
            }),
            changed: Condvar::new(),
        });
        std::thread::spawn({
            let shared = shared.clone();
            move || watch(reader, &shared)
        });
        Terminal {
            master: pair.master,
            keyboard: keyboard.unwrap_or_else(|e| panic!("cannot write to the terminal: {e}")),
            child,
            shared,
        }
    }

    /// Types text; `\r` is Enter, `\x1b` Escape, `\x1b[A` the arrow up.
    pub fn press(&mut self, keys: &str) {
        let typed = self.keyboard.write_all(keys.as_bytes());
        let typed = typed.and_then(|()| self.keyboard.flush());
        typed.unwrap_or_else(|e| panic!("the terminal does not take '{keys:?}': {e}"));
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let [rows_then, columns_then] = [rows, columns].map(at_least_one);
        self.shared
            .lock()
            .terminal
            .set_size(rows_then, columns_then);
        let resized = self.master.resize(size(columns, rows));
        resized.unwrap_or_else(|e| panic!("cannot resize the terminal: {e}"));
    }

    /// Process id of the program.
    pub fn pid(&self) -> u32 {
        let pid = self.child.process_id();
        pid.unwrap_or_else(|| panic!("the program has no process id"))
    }

    /// Waits until the screen is as it should be, and gives its text.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&vt100::Screen) -> bool) -> String {
        let start = Instant::now();
        let mut written = self.shared.lock();
        loop {
            let (screen, is_over) = (written.terminal.screen(), written.is_over);
            if fits(screen) {
                return screen.contents();
            }
            let left = WATCHDOG.saturating_sub(start.elapsed());
            assert!(
                !is_over && !left.is_zero(),
                "no {what} on the screen{}:\n{}",
                if is_over {
                    " when the program had ended"
                } else {
                    ""
                },
                screen.contents()
            );
            let waited = self.shared.changed.wait_timeout(written, left);
            written = waited.map_or_else(|broken| broken.into_inner().0, |(written, _)| written);
        }
    }

    /// Waits until the screen has a text on it.
    pub fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(&format!("'{text}'"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Waits until the program has ended and all it wrote is on the screen.
    pub fn wait_for_end(&mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        let mut written = self.shared.lock();
        while !written.is_over {
            let left = WATCHDOG.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "the program does not end");
            let waited = self.shared.changed.wait_timeout(written, left);
            written = waited.map_or_else(|broken| broken.into_inner().0, |(written, _)| written);
        }
        let text = written.terminal.screen().contents();
        drop(written);
        let status = self.child.wait();
        let status = status.unwrap_or_else(|e| panic!("cannot wait for the program: {e}"));
        (status, text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
    }
}

fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    for (name, value) in [("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8")] {
        builder.env(name, value);
    }
    builder.env_remove("NO_COLOR");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    if let Some(directory) = command.get_current_dir() {
        builder.cwd(directory);
    }
    builder
}

/// Brings what the program writes to the screen, until all who could write have ended.
fn watch(mut terminal: Box<dyn Read + Send>, shared: &Shared) {
    let mut bytes = [0; 4096];
    loop {
        // At the end of the last process of the terminal Linux says EIO.
        let length = terminal.read(&mut bytes).unwrap_or(0);
        let mut written = shared.lock();
        written.terminal.process(&bytes[..length]);
        written.is_over = length == 0;
        shared.changed.notify_all();
        if written.is_over {
            return;
        }
    }
}
