//! The terminal while the screen is on it, and how it is given back: at the end, on an error,
//! in a panic, before a signal ends the process, and while the shell has it.

use std::io::{self, Stdout, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::size;

/// The exit code of a panic, as Rust's runtime has it.
const PANICKED: i32 = 101;

/// The terminal, taken; given back when this is dropped.
pub struct Session {
    /// What is drawn on.
    pub terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Session {
    /// Takes the terminal: every key at once, an empty screen, no cursor.
    ///
    /// # Errors
    ///
    /// Stdout is no terminal, or it is gone.
    pub fn open() -> io::Result<Session> {
        give_back_on_panic();
        take()?;
        let terminal = size::area().and_then(canvas).inspect_err(|_| give_back())?;
        Ok(Session { terminal })
    }

    /// The whole terminal. Where it has another size than before, the next drawing draws everything.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn area(&mut self) -> io::Result<Rect> {
        let area = size::area()?;
        if area != self.terminal.get_frame().area() {
            self.redraw_on(area)?;
        }
        Ok(area)
    }

    /// Gives the terminal to the shell for a while.
    pub fn leave(&mut self) {
        give_back();
    }

    /// Takes it, where it was given away; the next drawing draws everything.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn enter(&mut self) -> io::Result<()> {
        take()?;
        self.redraw()
    }

    /// Forgets what is on the screen: the next drawing draws everything.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.redraw_on(size::area()?)
    }

    fn redraw_on(&mut self, area: Rect) -> io::Result<()> {
        execute!(stdout(), Clear(ClearType::All))?;
        // Not `Terminal::clear`: that asks the terminal where its cursor is, and the answer
        // would come among the keys, which another thread reads.
        self.terminal = canvas(area)?;
        Ok(())
    }
}

/// To draw on; its size is not asked of the terminal, which may not know.
fn canvas(area: Rect) -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    let viewport = Viewport::Fixed(area);
    Terminal::with_options(
        CrosstermBackend::new(stdout()),
        TerminalOptions { viewport },
    )
}

impl Drop for Session {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether the terminal is taken. Taking it twice would lose where its cursor was, and giving it back twice would set
/// the cursor back to where it once was, onto what was written since.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn take() -> io::Result<()> {
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, Hide).inspect_err(|_| give_back())
}

/// Whatever of it fails, the rest is tried: the terminal may be gone.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic's message is to be read, on the screen that the user had before.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
            // In whatever thread it was: nobody draws on the screen that was given back.
            std::process::exit(PANICKED);
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::num::NonZeroU16;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Not a test: what the one below runs in a terminal.
    #[test]
    #[ignore = "panics, and is to: run by another test"]
    fn panics_with_the_screen_taken() {
        let _session = Session::open().unwrap();
        panic!("this is to be read");
    }

    #[test]
    fn a_panic_is_to_be_read_on_the_screen_of_before() {
        let size = PtySize {
            rows: 60,
            cols: 200,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut shell = CommandBuilder::new("sh");
        shell.args(["-c", r#""$0" --ignored --exact --nocapture "$1"; stty -a"#]);
        shell.arg(std::env::current_exe().unwrap());
        shell.arg("top::terminal::tests::panics_with_the_screen_taken");
        let mut child = pair.slave.spawn_command(shell).unwrap();
        drop(pair.slave);
        let mut written = Vec::new();
        // At its end a pseudo-terminal says EIO; what was read is there.
        let _ = pair
            .master
            .try_clone_reader()
            .unwrap()
            .read_to_end(&mut written);
        child.wait().unwrap();

        let [rows, columns] = [size.rows, size.cols].map(|number| NonZeroU16::new(number).unwrap());
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        terminal.process(&written);
        let screen = terminal.screen();
        let text = screen.contents();
        assert!(
            !screen.alternate_screen() && !screen.hide_cursor(),
            "{text}"
        );
        assert!(text.contains("this is to be read"), "{text}");
        assert!(
            text.contains(" icanon") && text.contains(" echo "),
            "{text}"
        );
    }
}
