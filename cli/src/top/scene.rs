//! All that the screen is made of: the model, what the keys have changed, and the source.

use std::time::{SystemTime, UNIX_EPOCH};

use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::controls::{Action, Controls};
use super::feed::News;
use super::model::Model;
use super::theme::Theme;
use super::view::{self, Screen};
use crate::jvm::Process;

/// What is looked at, and how.
pub struct Scene {
    model: Model,
    /// What is shown while the screen stands still, and since when.
    held: Option<Box<(Model, u64)>>,
    controls: Controls,
    source: String,
    process: Option<Process>,
    trouble: Option<String>,
    theme: Theme,
}

impl Scene {
    /// Of a stream that nothing is known of yet, and the process of its JVM if that is known.
    pub fn new(
        source: String,
        process: Option<Process>,
        controls: Controls,
        theme: Theme,
    ) -> Scene {
        Scene {
            model: Model::default(),
            held: None,
            controls,
            source,
            process,
            trouble: None,
            theme,
        }
    }

    /// Takes in news of the stream.
    pub fn news(&mut self, news: News) {
        match news {
            News::Trouble(trouble) => self.trouble = trouble,
            news => news.tell(&mut self.model),
        }
    }

    /// Does what a key says, on a screen of that size.
    pub fn key(&mut self, key: KeyEvent, area: Rect) -> Action {
        let page = view::page(area, &self.screen());
        let model = self.held.as_ref().map_or(&self.model, |held| &held.0);
        let action = self.controls.key(key, model, page);
        match (self.controls.paused, &self.held) {
            (true, None) => self.held = Some(Box::new((self.model.clone(), now_ms()))),
            (false, Some(_)) => self.held = None,
            _ => {}
        }
        action
    }

    /// The screen, scrolled to where it should be for that size.
    pub fn screen_for(&mut self, area: Rect) -> Screen<'_> {
        let screen = self.screen();
        let page = view::page(area, &screen);
        let lines = self.controls.ranking.of(screen.model).len();
        let selected = self.controls.place_of_selected(screen.model);
        self.controls.scroll(selected, lines, page);
        self.screen()
    }

    fn screen(&self) -> Screen<'_> {
        let (model, now_ms) = match self.held.as_deref() {
            Some((model, since_ms)) => (model, *since_ms),
            None => (&self.model, now_ms()),
        };
        Screen {
            model,
            controls: &self.controls,
            source: &self.source,
            trouble: self.trouble.as_deref(),
            has_ended: self.process.as_ref().is_some_and(has_ended),
            now_ms,
            theme: self.theme,
        }
    }
}

fn has_ended(process: &Process) -> bool {
    process
        .status()
        .map_or(true, |status| matches!(status.state, 'Z' | 'X'))
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
