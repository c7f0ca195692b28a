//! The loop of the live view: news of the stream, keys and signals come in, the screen goes out.
//!
//! Threads wait for each of them, and send into one channel; this one owns the state and the terminal.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ratatui::crossterm::event::{self, Event as TerminalEvent, KeyEventKind};
use ratatui::layout::Rect;
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::controls::Action;
use super::feed::{Feed, News};
use super::inquiry::Answer;
use super::scene::Scene;
use super::suspension;
use super::terminal::Session;
use super::view;
use crate::exit::Outcome;

/// Without news the screen is drawn this often: records grow old.
const TICK: Duration = Duration::from_secs(1);

/// News do not draw the screen more often than this.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(50);

/// Events that wait.
const CHANNEL: usize = 256;

enum Event {
    News(News),
    Answer(Answer),
    Terminal(TerminalEvent),
    TerminalLost(std::io::Error),
    Signal(i32),
    /// The shell is to have the terminal.
    Suspend,
}

impl From<News> for Event {
    fn from(news: News) -> Event {
        Event::News(news)
    }
}

impl From<Answer> for Event {
    fn from(answer: Answer) -> Event {
        Event::Answer(answer)
    }
}

/// What is to happen after an event.
enum Next {
    /// Wait for more, there is time.
    Wait,
    /// Draw now.
    Draw,
    /// End; by that signal, where it was one.
    End(Option<i32>),
}

struct Live {
    scene: Scene,
    session: Session,
    /// Where events come from.
    sender: Sender<Event>,
}

/// Shows the stream until the user has seen enough.
///
/// # Errors
///
/// The terminal can't be used, or is lost.
pub fn run(feed: Feed, scene: Scene) -> anyhow::Result<Outcome> {
    let (sender, events) = bounded(CHANNEL);
    wait_for_suspension(sender.clone()).context("signals can't be waited for")?;
    wait_for_signals(sender.clone()).context("signals can't be waited for")?;
    let session = Session::open().context("the terminal can't be used")?;
    wait_for_keys(sender.clone());
    feed.start(sender.clone());
    let live = Live {
        scene,
        session,
        sender,
    };
    // The terminal is given back when this returns, before a signal ends the process.
    if let Some(signal) = live.run(&events)? {
        emulate_default_handler(signal).context("the signal can't be passed on")?;
    }
    Ok(Outcome::Done)
}

/// Before other threads are started.
fn wait_for_suspension(to: Sender<Event>) -> std::io::Result<()> {
    suspension::hold_back()?;
    thread::spawn(move || while suspension::wait().is_ok() && to.send(Event::Suspend).is_ok() {});
    Ok(())
}

fn wait_for_signals(to: Sender<Event>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCONT])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if to.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn wait_for_keys(to: Sender<Event>) {
    thread::spawn(move || {
        loop {
            let (event, is_last) = match event::read() {
                Ok(event) => (Event::Terminal(event), false),
                Err(error) => (Event::TerminalLost(error), true),
            };
            if to.send(event).is_err() || is_last {
                return;
            }
        }
    });
}

impl Live {
    fn run(mut self, events: &Receiver<Event>) -> anyhow::Result<Option<i32>> {
        loop {
            self.draw()?;
            let drawn = Instant::now();
            let mut until = drawn + TICK;
            loop {
                let next = match events.recv_deadline(until) {
                    Ok(event) => self.take(event)?,
                    Err(RecvTimeoutError::Timeout) => Next::Draw,
                    // The threads that send end only after us.
                    Err(RecvTimeoutError::Disconnected) => Next::End(None),
                };
                match next {
                    Next::Wait if until <= Instant::now() => break,
                    Next::Wait => until = until.min(drawn + BETWEEN_DRAWINGS),
                    Next::Draw => break,
                    Next::End(signal) => return Ok(signal),
                }
            }
        }
    }

    fn take(&mut self, event: Event) -> anyhow::Result<Next> {
        match event {
            Event::News(news) => {
                self.scene.news(news);
                Ok(Next::Wait)
            }
            Event::Answer(answer) => {
                self.scene.answer(answer);
                Ok(Next::Draw)
            }
            Event::Terminal(event) => self.take_terminal(&event),
            Event::TerminalLost(error) => Err(error).context("the terminal is gone"),
            // Whoever continued us may have written to the terminal.
            Event::Signal(SIGCONT) => self.enter(),
            Event::Signal(signal) => Ok(Next::End(Some(signal))),
            Event::Suspend => {
                self.session.leave();
                suspension::stop().context("the process can't be stopped")?;
                self.enter()
            }
        }
    }

    fn take_terminal(&mut self, event: &TerminalEvent) -> anyhow::Result<Next> {
        let TerminalEvent::Key(key) = event else {
            return Ok(Next::Draw);
        };
        if key.kind == KeyEventKind::Release {
            return Ok(Next::Wait);
        }
        let area = self.area()?;
        match self.scene.key(*key, area) {
            Action::Draw => {}
            Action::AskHolders => {
                if let Some(question) = self.scene.question() {
                    question.ask(self.sender.clone());
                }
            }
            Action::Redraw => self
                .session
                .redraw()
                .context("the terminal can't be used")?,
            // To all of a pipeline, as the terminal would do it.
            Action::Suspend => kill_current_process_group(Signal::TSTP)?,
            Action::Quit => return Ok(Next::End(None)),
        }
        Ok(Next::Draw)
    }

    fn enter(&mut self) -> anyhow::Result<Next> {
        self.session.enter().context("the terminal can't be used")?;
        Ok(Next::Draw)
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let area = self.area()?;
        let screen = self.scene.screen_for(area);
        let drawn = self
            .session
            .terminal
            .draw(|frame| view::draw(&screen, frame.area(), frame.buffer_mut()));
        drawn.context("the terminal can't be written to")?;
        Ok(())
    }

    fn area(&mut self) -> anyhow::Result<Rect> {
        self.session.area().context("the terminal has no size")
    }
}
