//! `finwatch report` and `finwatch check` on the stream of a real JVM: the page is looked at in a real browser, and its
//! charts are held against the records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use finwatch_record::{Body, ClassRow, Finalizer, Record};
use finwatch_tests::{Browser, Finwatch, Launch, any_case, live_and_die};
use serde_json::{Value, json};

/// The stream of a JVM that lived and died, with some objects that nobody finalizes.
struct Watched {
    _directory: tempfile::TempDir,
    path: PathBuf,
    records: Vec<Record>,
}

fn watched() -> Watched {
    let mut jvm = Launch::new(&any_case()).start();
    let mut stream = jvm.stream();
    live_and_die(&mut jvm, &mut stream);
    jvm.tell("register subject.Plain 2500");
    stream.fresh_sample();
    let mut ended = jvm.end();
    ended.stream().stop();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stream.jsonl");
    std::fs::copy(ended.directory().join("stream.jsonl"), &path).unwrap();
    Watched {
        _directory: directory,
        path,
        records: ended.stream().records().to_vec(),
    }
}

impl Watched {
    fn page(&self) -> PathBuf {
        page_of(&self.path)
    }

    /// The ledgers in the order of the stream: those of the samples, and that of the stop; of one millisecond the last,
    /// as in a chart.
    fn ledgers(&self) -> Vec<(&Finalizer, &[ClassRow])> {
        let by_time: BTreeMap<u64, _> = self
            .records
            .iter()
            .filter_map(|record| match &record.body {
                Body::Sample(sample) => {
                    let ledger = (&sample.finalizer, sample.classes.as_slice());
                    Some((record.uptime_ms, ledger))
                }
                Body::Stop(stop) => {
                    let ledger = (&stop.finalizer, stop.classes.as_slice());
                    Some((record.uptime_ms, ledger))
                }
                _ => None,
            })
            .collect();
        by_time.into_values().collect()
    }
}

fn page_of(stream: &Path) -> PathBuf {
    let page = stream.with_extension("html");
    let (stream, page_name) = (stream.to_str().unwrap(), page.to_str().unwrap());
    let made = Finwatch::new(&["report", stream, "-o", page_name]).succeed();
    assert!(made.err.is_empty(), "{made:?}");
    page
}

/// The values of a chart's series in the page.
fn values(browser: &mut Browser, chart: &str, series: &str, of: &str) -> Vec<f64> {
    let expression = format!(
        "finwatch.charts.find(chart => chart.id === {chart:?}).series.find(series => series.name === {series:?}).points.{of}"
    );
    let values = browser.evaluate(&expression);
    values
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

/// An attribute of a series' entry in the legend.
fn attribute(browser: &mut Browser, chart: &str, series: &str, name: &str) -> f64 {
    let expression = format!(
        "document.querySelector('[data-chart={chart}] [data-series={series:?}]').getAttribute('data-{name}')"
    );
    browser
        .evaluate(&expression)
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn charts_carry_the_numbers_of_the_stream() {
    let watched = watched();
    let page = watched.page();
    let mut browser = Browser::start();
    browser.look(1280, 900, false);
    browser.open(&page);

    let ledgers = watched.ledgers();
    let registered: Vec<f64> = ledgers
        .iter()
        .map(|(whole, _)| whole.counts.registered as f64)
        .collect();
    assert!(
        registered.len() < 400,
        "as many points as records, so that each can be compared"
    );
    assert_eq!(
        values(&mut browser, "registered-0", "all classes", "last"),
        registered
    );
    let pending: Vec<f64> = ledgers
        .iter()
        .map(|(whole, _)| whole.counts.pending as f64)
        .collect();
    assert_eq!(
        values(&mut browser, "pending-0", "all classes", "last"),
        pending
    );

    let plain: Vec<f64> = ledgers
        .iter()
        .filter_map(|(_, classes)| classes.iter().find(|row| row.class == "subject.Plain"))
        .map(|row| row.counts.registered as f64)
        .collect();
    assert_eq!(plain.last(), Some(&2500.0));
    assert_eq!(
        values(&mut browser, "registered-0", "subject.Plain", "last"),
        plain
    );
    assert_eq!(
        attribute(&mut browser, "registered-0", "subject.Plain", "last"),
        2500.0
    );
    assert_eq!(
        attribute(&mut browser, "registered-0", "subject.Plain", "points"),
        plain.len() as f64
    );

    let heap: Vec<f64> = watched
        .records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Sample(sample) => sample
                .memory
                .as_ref()
                .map(|memory| memory.heap.used_bytes as f64),
            _ => None,
        })
        .collect();
    assert_eq!(values(&mut browser, "heap-0", "in use", "last"), heap);

    let collections = watched
        .records
        .iter()
        .filter(|record| matches!(record.body, Body::Gc(_)))
        .count();
    let shown = browser.evaluate(
        "Object.values(finwatch.data.jvms[0].collections).reduce((sum, c) => sum + c.count, 0)",
    );
    assert_eq!(shown, json!(collections));

    // What is drawn is that too: a point of the line for each, and the highest on top.
    let path =
        "document.querySelector('[data-chart=registered-0] path.series.bold').getAttribute('d')";
    let line = browser.evaluate(path);
    let heights: Vec<f64> = line
        .as_str()
        .unwrap()
        .trim_start_matches('M')
        .split('L')
        .map(|point| point.split_once(',').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(heights.len(), registered.len());
    let lowest_y = heights.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = registered.iter().copied().fold(0.0, f64::max);
    for (height, value) in heights.iter().zip(&registered) {
        assert_eq!(
            *value == highest,
            *height == lowest_y,
            "{value} at {height}"
        );
    }
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}

#[test]
fn the_page_is_right_in_light_and_dark_on_a_phone_and_on_paper() {
    let watched = watched();
    let page = watched.page();
    let mut browser = Browser::start();
    let mut grounds = Vec::new();
    for (name, width, is_dark) in [
        ("light", 1280, false),
        ("dark", 1280, true),
        ("phone", 390, false),
    ] {
        browser.look(width, 900, is_dark);
        browser.open(&page);
        assert_eq!(browser.complaints(), Vec::<&Value>::new(), "{name}");
        let charts = browser.evaluate("document.querySelectorAll('figure .plot svg').length");
        assert!(charts.as_u64().unwrap() >= 8, "{charts} charts, {name}");
        let overhang = browser.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert_eq!(overhang, json!(0), "{name}: wider than the screen");
        grounds.push(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
        keep(&browser.screenshot(), &format!("report-{name}.png"));
    }
    assert_eq!(grounds[0], json!("rgb(255, 255, 255)"));
    assert_ne!(grounds[0], grounds[1], "dark is as light");
    // Only the page itself, however often.
    let own = format!("file://{}", page.display());
    assert!(
        browser.requests().iter().all(|url| *url == own),
        "{:?}",
        browser.requests()
    );

    let paper = browser.print();
    assert!(paper.starts_with("JVBERi"), "not the beginning of a PDF");
    keep(&paper, "report.pdf");
}

/// Leaves a picture for a person to look at.
fn keep(base64: &str, name: &str) {
    let directory = finwatch_tests::target_directory().join("report");
    std::fs::create_dir_all(&directory).unwrap();
    let mut decoder = std::process::Command::new("base64");
    let file = std::fs::File::create(directory.join(name)).unwrap();
    let mut child = decoder
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(file)
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), base64.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn keys_and_mouse_move_through_the_time() {
    let watched = watched();
    let mut browser = Browser::start();
    browser.look(1280, 900, false);
    browser.open(&watched.page());
    let view = |browser: &mut Browser| -> (f64, f64) {
        let view = browser.evaluate("[finwatch.view.from, finwatch.view.to]");
        (view[0].as_f64().unwrap(), view[1].as_f64().unwrap())
    };
    let all = view(&mut browser);

    browser.evaluate("document.querySelector('[data-chart=heap-0] .plot').focus()");
    browser.press("+");
    let near = view(&mut browser);
    assert!(
        near.1 - near.0 < 0.6 * (all.1 - all.0),
        "{near:?} of {all:?}"
    );
    browser.press("End");
    let spoken = browser.evaluate("document.querySelector('[aria-live]').textContent");
    assert!(spoken.as_str().unwrap().contains("in use"), "{spoken}");
    assert_eq!(view(&mut browser).1, all.1, "the end is in view");
    browser.press("Escape");
    assert_eq!(view(&mut browser), all);

    // With the mouse: the second quarter of a chart, which all charts show then.
    let place = "(() => { const plot = document.querySelector('[data-chart=registered-0] .plot'); \
                 plot.scrollIntoView({block: 'center'}); const box = plot.getBoundingClientRect(); \
                 return [box.left, box.top, box.width, box.height]; })()";
    let place = browser.evaluate(place);
    let number = |place: &Value, at: usize| place[at].as_f64().unwrap();
    let y = number(&place, 1) + number(&place, 3) / 2.0;
    let x = |part: f64| number(&place, 0) + part * number(&place, 2);
    browser.drag((x(0.25), y), (x(0.5), y));
    let drawn = view(&mut browser);
    assert!(drawn.0 > all.0 && drawn.1 < all.1, "{drawn:?} of {all:?}");
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}

#[test]
fn hostile_names_are_text() {
    let watched = watched();
    let hostile =
        r#"</script><script>window.broken=1</script><img src=x onerror=\"window.broken=2\">"#;
    let stream = std::fs::read_to_string(&watched.path).unwrap();
    std::fs::write(&watched.path, stream.replace("subject.Plain", hostile)).unwrap();
    let mut browser = Browser::start();
    browser.look(1280, 900, false);
    browser.open(&watched.page());
    assert_eq!(browser.evaluate("typeof window.broken"), json!("undefined"));
    let name = browser.evaluate("document.querySelector('tbody tr td').textContent");
    assert_eq!(name, json!(hostile.replace('\\', "")));
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}

#[test]
fn a_stream_is_checked_and_its_damage_named() {
    let watched = watched();
    let path = watched.path.to_str().unwrap();
    let checked = Finwatch::new(&["check", path]).succeed();
    assert!(
        checked
            .out
            .contains("from start to stop\nnothing wrong was found"),
        "{checked:?}"
    );

    let stream = std::fs::read_to_string(&watched.path).unwrap();
    let mut lines: Vec<String> = stream.lines().map(str::to_owned).collect();
    let at = lines
        .iter()
        .position(|line| line.contains("\"type\":\"sample\""))
        .unwrap();
    lines[at] = lines[at].replacen("\"trigger\":\"", "\"trigger\":\"not ", 1);
    lines.push("a line of something else".to_owned());
    std::fs::write(&watched.path, lines.join("\n")).unwrap();
    let found = Finwatch::new(&["check", "--json", path]).run();
    assert_eq!(found.code, Some(1), "{found:?}");
    let found = found.json();
    let fault = |line: usize| {
        found
            .iter()
            .find(|finding| finding["line"] == line)
            .unwrap()
    };
    assert_eq!(fault(at + 1)["field"], "trigger");
    assert!(
        fault(lines.len())["message"]
            .as_str()
            .unwrap()
            .contains("'a line of something else'")
    );
    assert_eq!(found.last().unwrap()["faults"], 2);
}

#[test]
fn what_is_no_stream_is_told_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("other"), "one\ntwo\n").unwrap();
    for (file, word) in [
        ("missing", "No such file or directory"),
        ("empty", "is empty"),
        (
            "other",
            "is not a finwatch stream, none of its 2 lines is a record",
        ),
    ] {
        let page = path("page.html");
        let told = Finwatch::new(&["report", &path(file), "-o", &page]).run();
        assert_eq!(told.code, Some(3), "{told:?}");
        assert!(
            told.err.contains(word) && told.err.lines().count() == 1,
            "{told:?}"
        );
        assert!(!Path::new(&page).exists());
    }
    let itself = Finwatch::new(&["report", &path("other"), "-o", &path("other")]).run();
    assert!(itself.err.contains("would overwrite"), "{itself:?}");
    assert_eq!(
        std::fs::read_to_string(path("other")).unwrap(),
        "one\ntwo\n"
    );
}
