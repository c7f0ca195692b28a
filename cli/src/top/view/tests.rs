use finwatch_record::*;

use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Color;

use super::*;
use crate::top::model::examples::*;
use crate::top::theme::Theme;

const THEME: Theme = Theme {
    colours: true,
    unicode: true,
};

/// A shop with a leak: what ten minutes of it look like.
fn shop() -> Model {
    let mut model = Model::default();
    model.line(line(record(0, 1000, Body::Start(Box::new(start())))));
    for n in 1..=120u64 {
        let leaked = 1000 * n;
        let made = 40 * n + (n % 7) * 25;
        let rows = [
            (
                "org.postgresql.jdbc3g.Jdbc3gPreparedStatement",
                leaked,
                0,
                leaked,
                0,
            ),
            (
                "java.io.FileInputStream",
                12 + n % 5,
                n % 3,
                made,
                made - 12 - n % 5,
            ),
            (
                "com.example.shop.import.LegacyImporter$TempFile",
                7,
                7,
                7,
                0,
            ),
            ("evil\u{1b}[2J\u{202e}語語", 1, 0, 1, 0),
        ];
        let mut sample = sample(&rows);
        sample.classes_omitted = OmittedClasses {
            count: 12,
            counts: counts(345, 0, 1000, 655),
        };
        sample.gc.pause_ms_total = 40.0 * n as f64;
        model.line(line(record(
            2 * n - 1,
            5000 * n,
            Body::Sample(Box::new(sample)),
        )));
        let live = n * 600 * 1024 + (n % 5) * (1 << 20);
        let pools = [
            ("G1 Eden Space", 0),
            ("G1 Survivor Space", 1 << 20),
            ("G1 Old Gen", live),
        ];
        let gc = collection(&pools);
        model.line(line(record(2 * n, 5000 * n + 100, Body::Gc(Box::new(gc)))));
    }
    model
}

fn with_findings(mut model: Model) -> Model {
    let leak = "org.postgresql.jdbc3g.Jdbc3gPreparedStatement";
    let mut alert = alert(AlertKind::RegisteredLeak, Some(leak));
    alert.severity = Severity::Critical;
    alert.evidence = [("registered".to_owned(), 120_000.into())].into();
    let holders = Holders {
        class: leak.to_owned(),
        loader: None,
        instances: 120_000,
        held: 120_000,
        sampled: None,
        unheld: Some(0),
        softly_held: None,
        paths: vec![HoldingPath {
            count: 120_000,
            root: Root {
                kind: RootKind::Thread,
                thread: Some("Timer-0".to_owned()),
                method: None,
                class: None,
                field: None,
            },
            chain: vec![
                Link {
                    class: "java.util.TimerThread".to_owned(),
                    field: Some("queue".to_owned()),
                },
                Link {
                    class: "java.util.TimerTask[]".to_owned(),
                    field: None,
                },
            ],
        }],
        soft_paths: Vec::new(),
        complete: true,
        incomplete_reason: None,
        looked_uptime_ms: None,
        stw_ms: Some(12.0),
        stw_ms_max: Some(12.0),
    };
    let bodies = [
        Body::Alert(Box::new(alert)),
        Body::FinalizerThread(Box::new(finalizer_thread(
            FinalizerState::Running,
            Some("java.io.FileInputStream"),
        ))),
        Body::Holders(Box::new(holders)),
    ];
    for (seq, body) in (241..).zip(bodies) {
        model.line(line(record(seq, 600_200, body)));
    }
    model
}

fn screen<'a>(model: &'a Model, controls: &'a Controls) -> Screen<'a> {
    Screen {
        model,
        controls,
        source: "app.jsonl",
        trouble: None,
        can_ask: false,
        inquiry: None,
        has_ended: false,
        now_ms: START_MS + 602_200,
        theme: THEME,
    }
}

fn text(screen: &Screen<'_>, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(screen, area, &mut buffer);
    let row = |y| {
        let mut row = String::new();
        let mut covered = 0;
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            // The second half of a wide character holds nothing.
            if covered == 0 {
                row += symbol;
            }
            covered = covered.max(super::width(symbol)).saturating_sub(1);
        }
        row.trim_end().to_owned()
    };
    (0..height).map(row).collect()
}

fn shown(model: &Model, controls: &Controls, width: u16, height: u16) -> String {
    text(&screen(model, controls), width, height).join("\n")
}

fn pressed(keys: &[KeyCode], model: &Model) -> Controls {
    let mut controls = Controls::default();
    for key in keys {
        controls.key(KeyEvent::from(*key), model, 10);
    }
    controls
}

/// Prints the screens, for whoever changes them: `cargo test -p finwatch-cli screens -- --ignored --nocapture`.
#[test]
#[ignore = "nothing to check, something to look at"]
fn screens() {
    let (model, controls) = (with_findings(shop()), Controls::default());
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        println!("{}", "=".repeat(width.into()));
        println!("{}", shown(&model, &controls, width, height));
    }
    for keys in ["?", "d", "/jdbc"] {
        let keys: Vec<KeyCode> = keys.chars().map(KeyCode::Char).collect();
        println!("{}", "=".repeat(80));
        println!("{}", shown(&model, &pressed(&keys, &model), 80, 24));
    }
}

#[test]
fn eighty_by_twenty_four() {
    let model = with_findings(shop());
    let expected =
        "\x20finwatch  pid 4711 com.example.Shop                    live, last record 2s ago
OpenJDK 64-Bit Server VM 17.0.21+9, up 10m00s, G1 Young Generati… coverage exact
registered 120,020   pending 7   running 0   in 213/s   out 13.8/s   threw 0
heap  ███████████████░░░░░ 74%  71.3M after gc, 54.0M now of 96.0M  ▃▄▄▅▅▆▆▇▇███
gc    12 collections, 0.8% of the time in pauses, longest lately 12.2ms, last: …
finalizer thread works
CRITICAL: leak, …j.Jdbc3gPreparedStatement, for 9m57s: Find out who holds them.
class                       ▼registered 10m     pending run   in/s  out/s    p99
…p.j.Jdbc3gPreparedStatement    120,000 ▃▄▅▆▇██       0   0    200      0      -
java.io.FileInputStream              12 █▇█▇█▇▇       0   0   13.0   13.8 15.0us
…s.i.LegacyImporter$TempFile          7 ███████       7   0      0      0      -
evil\\u{1b}[2J\\u{202e}語語             1 ███████       0   0      0      0      -
and 12 classes that are not listed (option 'classes'): registered 345, pending …










q quit  ? help  < > sort  r reverse  / filter  p pause  Enter detail  + - span";
    assert_eq!(shown(&model, &Controls::default(), 80, 24), expected);
}

#[test]
fn a_wide_and_high_screen_shows_more() {
    let (model, controls) = (with_findings(shop()), Controls::default());
    let lines = text(&screen(&model, &controls), 200, 50);
    for title in ["class  ", "longest", "loader", "finalized"] {
        assert!(lines[7].contains(title), "{title}: {}", lines[7]);
    }
    let all = lines.join("\n");
    for title in ["memory pools", "collectors", "finwatch itself"] {
        assert!(all.contains(title), "{title}: {all}");
    }
    assert!(
        all.contains("held: 120,000 of 120,000 by thread 'Timer-0' > java.util.TimerThread.queue"),
        "{all}"
    );
}

#[test]
fn a_stream_that_ended_or_is_silent_is_told() {
    let mut model = shop();
    let controls = Controls::default();
    let mut late = screen(&model, &controls);
    late.now_ms += 60_000;
    let silent = text(&late, 80, 24).join("\n");
    assert!(silent.contains("SILENT for 1m02s"), "{silent}");
    assert!(silent.contains("No record comes"), "{silent}");
    late.has_ended = true;
    let killed = text(&late, 80, 24).join("\n");
    assert!(killed.contains("ended without a word"), "{killed}");
    model.line(line(record(
        900,
        600_500,
        Body::Stop(Box::new(stop(StopReason::VmDeath))),
    )));
    let ended = shown(&model, &controls, 80, 24);
    assert!(ended.contains("STOPPED 1s ago"), "{ended}");
    assert!(
        ended.contains("The stream ended: the JVM ended."),
        "{ended}"
    );
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    let mut model = shop();
    model.line(line(sample_record(1000, 605_000, &[])));
    model.line(crate::stream::Line::Problem(crate::stream::Problem::Torn));
    let controls = Controls::default();
    let mut troubled = screen(&model, &controls);
    troubled.trouble = Some("'app.jsonl' is not there");
    let shown = text(&troubled, 120, 24).join("\n");
    assert!(
        shown.contains(
            "759 records are missing, 1 lines are no records (the last: the record breaks off"
        ),
        "{shown}"
    );
    assert!(shown.contains("'app.jsonl' is not there"), "{shown}");
}

#[test]
fn less_than_exact_numbers_say_why() {
    let mut sample = sample(&[]);
    sample.coverage = Coverage {
        level: CoverageLevel::PendingOnly,
        reason: "java.lang.ref.Finalizer has an unknown shape".to_owned(),
    };
    let mut model = Model::default();
    model.line(line(record(0, 5000, Body::Sample(Box::new(sample)))));
    let shown = shown(&model, &Controls::default(), 80, 24);
    assert!(
        shown.contains("pending-only: java.lang.ref.Finalizer has an unknown shape"),
        "{shown}"
    );
}

#[test]
fn a_stuck_finalizer_thread_is_told_with_its_lock() {
    let mut thread = finalizer_thread(FinalizerState::Stuck, Some("com.example.Connection"));
    thread.lock = Some(AwaitedLock {
        class: "com.example.Pool".to_owned(),
        owner: Some(LockOwner {
            thread: "worker-3".to_owned(),
            state: "runnable".to_owned(),
            stack: Vec::new(),
        }),
    });
    let mut model = shop();
    model.line(line(record(
        900,
        600_500,
        Body::FinalizerThread(Box::new(thread)),
    )));
    let shown = shown(&model, &Controls::default(), 160, 24);
    assert!(
        shown.contains(
            "is STUCK in finalize() of com.example.Connection for 2.00s, waits for a lock (com.example.Pool) of \
             thread 'worker-3' (runnable)"
        ),
        "{shown}"
    );
}

#[test]
fn who_holds_is_offered_where_it_can_be_asked_and_how_it_stands_is_told() {
    let model = shop();
    let controls = pressed(&[KeyCode::Char('h')], &model);
    let leak = "org.postgresql.jdbc3g.Jdbc3gPreparedStatement".to_owned();
    let mut live = screen(&model, &controls);
    assert!(!text(&live, 120, 24).join("\n").contains("h holders"));
    live.can_ask = true;
    let asked = Inquiry::Asked {
        class: leak.clone(),
    };
    live.inquiry = Some(&asked);
    let shown = text(&live, 120, 24).join("\n");
    assert!(
        shown.contains("Enter detail  h holders  + - span"),
        "{shown}"
    );
    assert!(shown.contains("asking who holds them …"), "{shown}");
    let failed = Inquiry::Failed {
        class: leak,
        why: "4711: no answer: \u{1b}[2J".to_owned(),
    };
    live.inquiry = Some(&failed);
    let shown = text(&live, 120, 24).join("\n");
    assert!(
        shown.contains("who holds them is not known: 4711: no answer: \\u{1b}[2J"),
        "{shown}"
    );
    let other = Inquiry::Asked {
        class: "java.io.FileInputStream".to_owned(),
    };
    live.inquiry = Some(&other);
    let shown = text(&live, 120, 24).join("\n");
    assert!(
        !shown.contains("asking"),
        "of the class selected alone: {shown}"
    );
}

#[test]
fn the_answer_who_holds_stands_in_the_detail() {
    let mut model = shop();
    let mut told = with_findings(shop())
        .findings
        .holders("org.postgresql.jdbc3g.Jdbc3gPreparedStatement")
        .unwrap()
        .what
        .clone();
    told.incomplete_reason = Some("stopped after 250 ms".to_owned());
    model.answer(told.clone());
    let controls = pressed(&[KeyCode::Char('h')], &model);
    let answered = shown(&model, &controls, 120, 24);
    assert!(
        answered.contains("held: 120,000 of 120,000 by thread 'Timer-0' > java.util"),
        "{answered}"
    );
    assert!(
        answered.contains("not the whole answer: stopped after 250 ms"),
        "{answered}"
    );
    told.paths.clear();
    model.answer(told);
    let answered = shown(&model, &controls, 120, 24);
    assert!(
        answered.contains("held: none of 120,000 was found held"),
        "{answered}"
    );
}

#[test]
fn the_help_has_a_line_for_each_key() {
    let model = shop();
    let help = shown(&model, &pressed(&[KeyCode::Char('?')], &model), 120, 40);
    assert!(help.contains("ask the JVM who holds the objects"), "{help}");
    assert!(help.contains("any key closes it"), "{help}");
    assert!(help.contains("exact, or since when"), "{help}");
}

#[test]
fn a_filter_that_fits_nothing_says_so() {
    let model = shop();
    let keys: Vec<KeyCode> = "/nosuch".chars().map(KeyCode::Char).collect();
    let typing = shown(&model, &pressed(&keys, &model), 80, 24);
    assert!(typing.contains("filter: nosuch"), "{typing}");
    let keys = [keys, vec![KeyCode::Enter]].concat();
    let typed = shown(&model, &pressed(&keys, &model), 80, 24);
    assert!(
        typed.contains("no class has 'nosuch' in its name"),
        "{typed}"
    );
    assert!(
        typed.lines().last().unwrap().ends_with("filter: nosuch"),
        "{typed}"
    );
}

#[test]
fn a_stream_without_a_sample_is_waited_for() {
    let shown = shown(&Model::default(), &Controls::default(), 80, 24);
    assert!(shown.contains("no record yet"), "{shown}");
    assert!(
        shown.contains("waiting for the first sample of app.jsonl"),
        "{shown}"
    );
}

#[test]
fn the_line_selected_is_on_the_screen() {
    let names: Vec<String> = (0..60).map(|n| format!("C{n:02}")).collect();
    let rows: Vec<Row<'_>> = names
        .iter()
        .map(|name| (name.as_str(), 1, 0, 1, 0))
        .collect();
    let mut model = Model::default();
    model.line(line(sample_record(0, 5000, &rows)));
    let area = Rect::new(0, 0, 80, 24);
    let mut controls = pressed(&[KeyCode::End], &model);
    let page = page(area, &screen(&model, &controls));
    controls.scroll(controls.place_of_selected(&model), 60, page);
    let shown = shown(&model, &controls, 80, 24);
    assert!(shown.contains("C59") && !shown.contains("C00"), "{shown}");
    assert_eq!(
        shown.lines().filter(|line| line.starts_with('C')).count(),
        page
    );
}

#[test]
fn without_unicode_and_colours_there_are_none() {
    let (model, controls) = (
        with_findings(shop()),
        pressed(&[KeyCode::Char('d')], &with_findings(shop())),
    );
    let mut plain = screen(&model, &controls);
    plain.theme = Theme {
        colours: false,
        unicode: false,
    };
    let area = Rect::new(0, 0, 200, 50);
    let mut buffer = Buffer::empty(area);
    draw(&plain, area, &mut buffer);
    for cell in &buffer.content {
        assert!(cell.symbol().is_ascii(), "{:?}", cell.symbol());
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

proptest! {
    /// Whatever the size and whatever the names, drawing neither fails nor lets anything
    /// through that a terminal would obey.
    #[test]
    fn any_screen_is_drawn(
        width in 0..260u16, height in 0..90u16, names in prop::collection::vec(any::<String>(), 0..40),
        keys in prop::collection::vec(prop::sample::select("?drp+-/<>jkGxh".chars().collect::<Vec<_>>()), 0..6),
    ) {
        let mut model = with_findings(shop());
        let rows: Vec<Row<'_>> = names.iter().map(|name| (name.as_str(), 9, 1, 10, 1)).collect();
        model.line(line(sample_record(900, 605_000, &rows)));
        let keys: Vec<KeyCode> = keys.into_iter().map(KeyCode::Char).collect();
        let controls = pressed(&keys, &model);
        for line in text(&screen(&model, &controls), width, height) {
            prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
        }
    }
}
