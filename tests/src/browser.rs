//! A headless Chromium, spoken to in the DevTools protocol through two pipes: what a person would see on a page.
//!
//! Every message that the page writes to the console, every exception and every address that it asks for is kept.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};

use crate::workspace::WATCHDOG;

/// What Chromium is called by those who package it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// A browser with one page.
pub struct Browser {
    child: Child,
    /// Its profile and the pipes.
    _directory: tempfile::TempDir,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    last_id: u64,
    events: Vec<Value>,
}

impl Browser {
    /// Starts one. Panics, and says what to install, where there is none.
    pub fn start() -> Browser {
        let program = program();
        let directory =
            tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let pipe = |name: &str| {
            let path = directory.path().join(name);
            mkfifo(&path, Mode::S_IRWXU).unwrap_or_else(|e| panic!("cannot make a pipe: {e}"));
            path
        };
        let (to, from) = (pipe("to"), pipe("from"));
        // The browser wants the pipes as its descriptors 3 and 4.
        let child = Command::new("timeout")
            .arg(format!("{}", WATCHDOG.as_secs()))
            .args([
                "sh",
                "-c",
                r#"to=$1 from=$2; shift 2; exec "$@" 3<"$to" 4>"$from""#,
                "sh",
            ])
            .args([&to, &from])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
            ])
            .arg(format!(
                "--user-data-dir={}",
                directory.path().join("profile").display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {program}: {e}"));
        // Each of these waits until the other end is open.
        let to = File::options().write(true).open(&to);
        let from = File::open(&from);
        let mut browser = Browser {
            child,
            _directory: directory,
            to: to.unwrap_or_else(|e| panic!("cannot open the pipe to {program}: {e}")),
            from: BufReader::new(
                from.unwrap_or_else(|e| panic!("cannot open the pipe from {program}: {e}")),
            ),
            session: None,
            last_id: 0,
            events: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attached);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Shows a file, and returns when it is loaded and its scripts have run.
    pub fn open(&mut self, page: &Path) {
        self.events.clear();
        self.call(
            "Page.navigate",
            json!({ "url": format!("file://{}", page.display()) }),
        );
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// A screen of that size, with a person who likes it dark or light.
    pub fn look(&mut self, width: u32, height: u32, is_dark: bool) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", screen);
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
    }

    /// The value of an expression in the page, after it was drawn.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        // A frame is drawn after the first of them, and what follows it is begun before the second.
        let drawn = format!(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done({expression}))))"
        );
        let parameters =
            json!({ "expression": drawn, "awaitPromise": true, "returnByValue": true });
        let result = self.call("Runtime.evaluate", parameters);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// Presses a key, as its `KeyboardEvent.key` names it.
    pub fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "text": text }),
            );
        }
    }

    /// Draws with the mouse from one point to another.
    pub fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        for (kind, (x, y)) in [
            ("mousePressed", from),
            ("mouseMoved", to),
            ("mouseReleased", to),
        ] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// All of the page as a picture, PNG in Base64.
    pub fn screenshot(&mut self) -> String {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.call("Page.captureScreenshot", whole);
        picture["data"].as_str().unwrap_or_default().to_owned()
    }

    /// The page on paper, PDF in Base64.
    pub fn print(&mut self) -> String {
        let paper = self.call(
            "Page.printToPDF",
            json!({ "printBackground": true, "preferCSSPageSize": true }),
        );
        paper["data"].as_str().unwrap_or_default().to_owned()
    }

    /// Whatever the page complained of: exceptions, and what it or the browser wrote to the console.
    pub fn complaints(&self) -> Vec<&Value> {
        let kinds = [
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Log.entryAdded",
        ];
        let is_complaint = |event: &&Value| kinds.iter().any(|kind| event["method"] == *kind);
        self.events.iter().filter(is_complaint).collect()
    }

    /// The addresses that the page asked for.
    pub fn requests(&self) -> Vec<&str> {
        let requests = self
            .events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        requests
            .filter_map(|event| event["params"]["request"]["url"].as_str())
            .collect()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let sent = write!(self.to, "{message}\0").and_then(|()| self.to.flush());
        sent.unwrap_or_else(|e| panic!("{method}: the browser is gone: {e}"));
        loop {
            let mut answer = self.receive();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        let read = self.from.read_until(0, &mut message);
        read.unwrap_or_else(|e| panic!("the browser is gone: {e}"));
        assert_eq!(
            message.pop(),
            Some(0),
            "the browser is gone, or hung for {WATCHDOG:?}"
        );
        serde_json::from_slice(&message).unwrap_or_else(|e| panic!("the browser says {e}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends when asked to, and if not, `timeout` ends it and its processes.
        let closed = json!({ "id": 0, "method": "Browser.close" });
        let _ = write!(self.to, "{closed}\0");
        let _ = self.child.wait();
    }
}

fn program() -> &'static str {
    let is_here = |name: &&&str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|path| path.join(name).is_file())
    };
    let found = NAMES.iter().find(is_here);
    found.unwrap_or_else(|| {
        panic!("there is no Chromium here: install it with 'apt-get install chromium'")
    })
}
