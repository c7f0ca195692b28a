//! All that the screen is made of: the model, what the keys have changed, and the source.

use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::controls::{Action, Controls};
use super::feed::News;
use super::inquiry::{Answer, Inquiry, Question};
use super::model::Model;
use super::theme::Theme;
use super::view::{self, Screen};
use crate::jvm::Process;
use crate::time::now_ms;

/// What is looked at, and how.
pub struct Scene {
    model: Model,
    /// What is shown while the screen stands still, and since when.
    held: Option<Box<(Model, u64)>>,
    controls: Controls,
    source: String,
    process: Option<Process>,
    inquiry: Option<Inquiry>,
    trouble: Option<String>,
    theme: Theme,
}

impl Scene {
    /// Of a stream that nothing is known of yet, and the process of its JVM if that is known.
    pub fn new(
        model: Model,
        source: String,
        process: Option<Process>,
        controls: Controls,
        theme: Theme,
    ) -> Scene {
        Scene {
            model,
            held: None,
            controls,
            source,
            process,
            inquiry: None,
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

    /// What is to be asked about the class selected; `None` where nobody can be asked, or somebody is being asked.
    pub fn question(&mut self) -> Option<Question> {
        if matches!(self.inquiry, Some(Inquiry::Asked { .. })) {
            return None;
        }
        let model = self.held.as_ref().map_or(&self.model, |held| &held.0);
        let class = self.controls.class(model)?.row.class.clone();
        let Some(process) = &self.process else {
            let why = "name the JVM by its process id, as in 'finwatch top PID'".to_owned();
            self.inquiry = Some(Inquiry::Failed { class, why });
            return None;
        };
        self.inquiry = Some(Inquiry::Asked {
            class: class.clone(),
        });
        let pid = process.pid;
        Some(Question { pid, class })
    }

    /// Takes in what came of a question.
    pub fn answer(&mut self, answer: Answer) {
        let Answer { class, holders } = answer;
        match holders {
            Ok(holders) => {
                self.inquiry = None;
                // What was asked for is shown although the screen stands still.
                let held = self.held.as_mut().map(|held| &mut held.0);
                for model in held.into_iter().chain([&mut self.model]) {
                    holders
                        .iter()
                        .for_each(|holders| model.answer(holders.clone()));
                }
            }
            Err(why) => self.inquiry = Some(Inquiry::Failed { class, why }),
        }
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
            can_ask: self.process.is_some(),
            inquiry: self.inquiry.as_ref(),
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

#[cfg(test)]
mod tests {
    use super::super::model::examples::*;
    use super::super::ranking::Ranking;
    use super::*;

    fn scene(process: Option<Process>) -> Scene {
        let theme = Theme {
            colours: false,
            unicode: true,
        };
        let controls = Controls::new(Ranking::default());
        let mut scene = Scene::new(
            Model::default(),
            "app.jsonl".to_owned(),
            process,
            controls,
            theme,
        );
        let sample = sample_record(0, 5000, &[("A", 9, 0, 9, 0), ("B", 5, 0, 5, 0)]);
        scene.news(News::Lines(vec![line(sample)]));
        scene
    }

    #[test]
    fn a_jvm_is_asked_one_question_at_a_time() {
        let process = Process::open(std::process::id()).unwrap();
        let mut scene = scene(process);
        let question = scene.question().unwrap();
        assert_eq!(
            (question.pid, question.class.as_str()),
            (std::process::id(), "A")
        );
        assert_eq!(scene.question(), None);
        let failed = Answer {
            class: "A".to_owned(),
            holders: Err("no answer".to_owned()),
        };
        scene.answer(failed);
        assert!(matches!(scene.inquiry, Some(Inquiry::Failed { .. })));
        assert_eq!(scene.question(), Some(question));
        let answered = Answer {
            class: "A".to_owned(),
            holders: Ok(Vec::new()),
        };
        scene.answer(answered);
        assert_eq!(scene.inquiry, None);
    }

    #[test]
    fn a_file_can_not_be_asked() {
        let mut scene = scene(None);
        assert_eq!(scene.question(), None);
        let Some(Inquiry::Failed { class, why }) = scene.inquiry else {
            panic!("nothing is said: {:?}", scene.inquiry);
        };
        assert_eq!(class, "A");
        assert!(why.contains("finwatch top PID"), "{why}");
    }
}
