//! What the keys have changed: order, choice, pause, what is open.
//!
//! Plain state too: a key goes in, and what the loop has to do comes out.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::columns::SORTABLE;
use super::model::{Class, ClassKey, Model};
use super::ranking::Ranking;

/// Times that the pictures of the past may span, seconds.
const SPANS: [u64; 8] = [60, 120, 300, 600, 1800, 3600, 10_800, 21_600];

/// At first they span this much, the number in [`SPANS`].
const FIRST_SPAN: usize = 3;

/// The longest filter.
const LONGEST_FILTER: usize = 200;

/// What the loop has to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing but to draw.
    Draw,
    /// To draw everything anew: something else wrote to the terminal.
    Redraw,
    /// To ask the JVM who holds the objects of the class selected.
    AskHolders,
    /// To give the terminal back to the shell for a while.
    Suspend,
    /// To end.
    Quit,
}

/// The state of the screen.
#[derive(Debug, Clone)]
pub struct Controls {
    /// Order and choice of the classes.
    pub ranking: Ranking,
    /// The filter is being typed.
    pub typing: bool,
    /// The line of a class that is looked at; it stays with the class.
    pub selected: Option<ClassKey>,
    /// The first line of the table that is shown.
    pub offset: usize,
    /// The help is shown.
    pub help: bool,
    /// What is known of the class selected is shown.
    pub detail: bool,
    /// The screen stands still.
    pub paused: bool,
    span: usize,
}

impl Default for Controls {
    fn default() -> Controls {
        Controls {
            ranking: Ranking::default(),
            typing: false,
            selected: None,
            offset: 0,
            help: false,
            detail: false,
            paused: false,
            span: FIRST_SPAN,
        }
    }
}

impl Controls {
    /// Nothing pressed yet, with that order and choice.
    pub fn new(ranking: Ranking) -> Controls {
        Controls {
            ranking,
            ..Controls::default()
        }
    }

    /// The time that the pictures of the past span, milliseconds: no more than is known.
    pub fn span_ms(&self, known_ms: u64) -> u64 {
        let spans = &SPANS[..=self.span];
        let enough = spans
            .iter()
            .map(|seconds| seconds * 1000)
            .find(|ms| *ms >= known_ms);
        enough.unwrap_or(SPANS[self.span] * 1000)
    }

    /// Does what a key says, with `page` lines of classes on the screen.
    pub fn key(&mut self, key: KeyEvent, model: &Model, page: usize) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.control_key(key.code);
        }
        if self.typing {
            self.type_filter(key.code);
            return Action::Draw;
        }
        if self.help {
            // Any key closes it; `q` means no more than that.
            self.help = false;
            return Action::Draw;
        }
        let page = page.max(1).cast_signed();
        match key.code {
            KeyCode::Char('q' | 'Q') => return Action::Quit,
            KeyCode::Char('?') | KeyCode::F(1) => self.help = true,
            KeyCode::Char('h' | 'H') => {
                // The answer stands there.
                self.detail = true;
                return Action::AskHolders;
            }
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('>' | '.') | KeyCode::Right => self.sort_by_next(1),
            KeyCode::Char('<' | ',') | KeyCode::Left => self.sort_by_next(-1),
            KeyCode::Char('r' | 'R') => self.ranking.reverse = !self.ranking.reverse,
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char('+' | '=') => self.span = (self.span + 1).min(SPANS.len() - 1),
            KeyCode::Char('-') => self.span = self.span.saturating_sub(1),
            KeyCode::Enter | KeyCode::Char('d') => self.detail = !self.detail,
            KeyCode::Esc => self.escape(),
            KeyCode::Up | KeyCode::Char('k') => self.move_by(-1, model),
            KeyCode::Down | KeyCode::Char('j') => self.move_by(1, model),
            KeyCode::PageUp => self.move_by(-page, model),
            KeyCode::PageDown => self.move_by(page, model),
            KeyCode::Home | KeyCode::Char('g') => self.move_by(isize::MIN, model),
            KeyCode::End | KeyCode::Char('G') => self.move_by(isize::MAX, model),
            _ => {}
        }
        Action::Draw
    }

    fn control_key(&mut self, code: KeyCode) -> Action {
        match code {
            KeyCode::Char('c') => Action::Quit,
            KeyCode::Char('z') => Action::Suspend,
            KeyCode::Char('l') => Action::Redraw,
            KeyCode::Char('u') if self.typing => {
                self.ranking.filter.clear();
                Action::Draw
            }
            _ => Action::Draw,
        }
    }

    fn type_filter(&mut self, code: KeyCode) {
        let filter = &mut self.ranking.filter;
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                filter.clear();
                self.typing = false;
            }
            KeyCode::Backspace => {
                filter.pop();
            }
            KeyCode::Char(c) if filter.len() < LONGEST_FILTER => filter.push(c),
            _ => {}
        }
    }

    /// Takes back one thing after the other.
    fn escape(&mut self) {
        if self.detail {
            self.detail = false;
        } else if !self.ranking.filter.is_empty() {
            self.ranking.filter.clear();
        } else {
            self.selected = None;
            self.offset = 0;
        }
    }

    fn sort_by_next(&mut self, step: isize) {
        let place = SORTABLE
            .iter()
            .position(|column| *column == self.ranking.by);
        let next = place.unwrap_or(0).cast_signed() + step;
        self.ranking.by = SORTABLE[next
            .rem_euclid(SORTABLE.len().cast_signed())
            .cast_unsigned()];
    }

    fn move_by(&mut self, lines: isize, model: &Model) {
        let classes = self.ranking.of(model);
        let Some(last) = classes.len().checked_sub(1) else {
            return;
        };
        let next = match self.place_of_selected(model) {
            Some(place) => place.saturating_add_signed(lines).min(last),
            None if lines == isize::MAX => last,
            // The first key finds the first line.
            None => 0,
        };
        self.selected = Some(classes[next].key());
    }

    /// The class selected, or the first one.
    pub fn class<'a>(&self, model: &'a Model) -> Option<&'a Class> {
        let place = self.place_of_selected(model).unwrap_or(0);
        self.ranking.of(model).get(place).copied()
    }

    /// The line of the class selected, if it is among those shown.
    pub fn place_of_selected(&self, model: &Model) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        let classes = self.ranking.of(model);
        classes.iter().position(|class| class.key() == *selected)
    }

    /// Scrolls so that the line selected is among the `page` lines on the screen.
    pub fn scroll(&mut self, selected: Option<usize>, lines: usize, page: usize) {
        if let Some(selected) = selected {
            let least = (selected + 1).saturating_sub(page.max(1));
            self.offset = self.offset.clamp(least, selected);
        }
        self.offset = self.offset.min(lines.saturating_sub(page));
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::Column;
    use super::super::model::examples::*;
    use super::*;

    fn model() -> Model {
        let names: Vec<String> = (0..20).map(|n| format!("C{n:02}")).collect();
        let rows = names
            .iter()
            .zip(0..)
            .map(|(name, n)| (name.as_str(), 100 - n, n, 100, 0));
        let mut model = Model::default();
        model.line(line(sample_record(0, 5000, &rows.collect::<Vec<_>>())));
        model
    }

    fn press(controls: &mut Controls, keys: &[KeyCode]) -> Action {
        let model = model();
        let press = |code: &KeyCode| controls.key(KeyEvent::from(*code), &model, 10);
        keys.iter().map(press).last().unwrap()
    }

    fn selected(keys: &[KeyCode]) -> Option<String> {
        let mut controls = Controls::default();
        press(&mut controls, keys);
        controls.selected.map(|(name, _)| name)
    }

    #[test]
    fn arrows_and_pages_move_among_the_lines() {
        use KeyCode::{Down, End, Home, PageDown, Up};
        assert_eq!(selected(&[Down]).unwrap(), "C00");
        assert_eq!(selected(&[Down, Down, Down, Up]).unwrap(), "C01");
        assert_eq!(selected(&[Down, Up]).unwrap(), "C00");
        assert_eq!(selected(&[Down, PageDown]).unwrap(), "C10");
        assert_eq!(
            selected(&[Down, PageDown, PageDown, PageDown]).unwrap(),
            "C19"
        );
        assert_eq!(selected(&[End]).unwrap(), "C19");
        assert_eq!(selected(&[End, Home]).unwrap(), "C00");
    }

    #[test]
    fn the_selection_stays_with_its_class() {
        let mut controls = Controls::default();
        press(&mut controls, &[KeyCode::Down, KeyCode::Down]);
        assert_eq!(controls.place_of_selected(&model()), Some(1));
        press(&mut controls, &[KeyCode::Char('r')]);
        assert_eq!(controls.place_of_selected(&model()), Some(18));
    }

    #[test]
    fn the_table_scrolls_no_further_than_it_must() {
        let mut controls = Controls::default();
        let mut scrolled = |selected, lines, page| {
            controls.scroll(selected, lines, page);
            controls.offset
        };
        assert_eq!(scrolled(None, 20, 10), 0);
        assert_eq!(scrolled(Some(9), 20, 10), 0);
        assert_eq!(scrolled(Some(12), 20, 10), 3);
        assert_eq!(scrolled(Some(5), 20, 10), 3);
        assert_eq!(scrolled(Some(2), 20, 10), 2);
        assert_eq!(scrolled(Some(19), 20, 10), 10);
        assert_eq!(scrolled(None, 5, 10), 0);
        assert_eq!(scrolled(Some(3), 5, 0), 3);
    }

    #[test]
    fn sorting_goes_round() {
        let mut controls = Controls::default();
        press(&mut controls, &[KeyCode::Char('>')]);
        assert_eq!(controls.ranking.by, Column::Pending);
        press(
            &mut controls,
            &[KeyCode::Left, KeyCode::Left, KeyCode::Left],
        );
        assert_eq!(controls.ranking.by, Column::Loader);
        press(&mut controls, &[KeyCode::Right]);
        assert_eq!(controls.ranking.by, Column::Class);
    }

    #[test]
    fn a_filter_is_typed_and_taken_back() {
        let mut controls = Controls::default();
        let keys = "/q?1".chars().map(KeyCode::Char).collect::<Vec<_>>();
        press(&mut controls, &keys);
        press(&mut controls, &[KeyCode::Backspace]);
        assert_eq!(
            (controls.ranking.filter.as_str(), controls.typing),
            ("q?", true)
        );
        press(&mut controls, &[KeyCode::Enter]);
        assert_eq!(
            (controls.ranking.filter.as_str(), controls.typing),
            ("q?", false)
        );
        press(&mut controls, &[KeyCode::Esc]);
        assert_eq!(controls.ranking.filter, "");
    }

    #[test]
    fn help_is_closed_by_any_key_and_q_ends() {
        let mut controls = Controls::default();
        press(&mut controls, &[KeyCode::Char('?')]);
        assert!(controls.help);
        assert_eq!(press(&mut controls, &[KeyCode::Char('q')]), Action::Draw);
        assert!(!controls.help);
        assert_eq!(press(&mut controls, &[KeyCode::Char('q')]), Action::Quit);
    }

    #[test]
    fn who_holds_is_asked_about_the_class_selected_and_the_answer_has_a_place() {
        let mut controls = Controls::default();
        assert_eq!(
            press(&mut controls, &[KeyCode::Char('h')]),
            Action::AskHolders
        );
        assert!(controls.detail && !controls.help);
        let class = |controls: &Controls| controls.class(&model()).unwrap().row.class.clone();
        assert_eq!(class(&controls), "C00");
        press(&mut controls, &[KeyCode::End]);
        assert_eq!(class(&controls), "C19");
        // While a filter is typed it is a letter like any other.
        let typed = press(&mut controls, &[KeyCode::Char('/'), KeyCode::Char('h')]);
        assert_eq!(typed, Action::Draw);
    }

    #[test]
    fn control_keys_work_while_typing_too() {
        let mut controls = Controls::default();
        press(&mut controls, &[KeyCode::Char('/'), KeyCode::Char('a')]);
        let model = model();
        let mut control = |c| {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
            controls.key(key, &model, 10)
        };
        assert_eq!(control('c'), Action::Quit);
        assert_eq!(control('z'), Action::Suspend);
        assert_eq!(control('l'), Action::Redraw);
        control('u');
        assert_eq!(controls.ranking.filter, "");
    }

    #[test]
    fn the_span_grows_with_what_is_known_up_to_what_is_wanted() {
        let mut controls = Controls::default();
        let known = [0, 60_000, 61_000, 600_000, 90_000_000];
        let spans = |controls: &Controls| known.map(|known_ms| controls.span_ms(known_ms) / 1000);
        assert_eq!(spans(&controls), [60, 60, 120, 600, 600]);
        press(&mut controls, &[KeyCode::Char('+')]);
        assert_eq!(spans(&controls), [60, 60, 120, 600, 1800]);
        press(&mut controls, &[KeyCode::Char('-'); 9]);
        assert_eq!(spans(&controls), [60; 5]);
        press(&mut controls, &[KeyCode::Char('+'); 20]);
        assert_eq!(spans(&controls)[4], 21_600);
    }
}
