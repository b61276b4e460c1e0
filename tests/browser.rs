//! The report page in a real browser: no complaint, no network, ink in every chart, readable at every width.
//!
//! Chromium is driven over its DevTools protocol through a pair of pipes, so nothing listens on any port. Where there is
//! no `chromium`, the tests are not run; `.ci/run` installs it and runs them.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const WAIT: Duration = Duration::from_millis(100);
/// Times that a condition is looked at before it counts as false: ten seconds.
const LOOKS: usize = 100;

/// A browser with one page, and everything that it has complained of or asked for.
struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    next: u64,
    complaints: Vec<String>,
    requests: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn start() -> Browser {
        let profile = tempfile::tempdir().expect("a temporary folder");
        // The protocol's pipes are descriptors 3 and 4; the shell puts standard input and output there.
        let mut process = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--remote-debugging-pipe", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let mut browser = Browser {
            to: process.stdin.take().expect("it is piped"),
            from: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
            session: Value::Null,
            next: 0,
            complaints: Vec::new(),
            requests: Vec::new(),
            _profile: profile,
        };
        let targets = browser.ask("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().expect("a list").clone();
        let page = targets.iter().find(|it| it["type"] == "page").expect("a page");
        let attached = browser.ask(
            "Target.attachToTarget",
            json!({ "targetId": page["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command and reads until its answer comes, keeping what the page says meanwhile.
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        let text = format!("{message}\0");
        self.to
            .write_all(text.as_bytes())
            .expect("chromium is installed and reads");
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).expect("chromium writes");
            assert_eq!(bytes.pop(), Some(0), "chromium went away during {method}");
            let answer: Value = serde_json::from_slice(&bytes).expect("it speaks JSON");
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            let said = &answer["params"];
            match answer["method"].as_str() {
                Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => {
                    self.complaints.push(said.to_string());
                }
                Some("Network.requestWillBeSent") => {
                    let url = said["request"]["url"].as_str().unwrap_or("").to_owned();
                    self.requests.push(url);
                }
                _ => {}
            }
        }
    }

    fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", parameters);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {}",
            answer["exceptionDetails"]
        );
        answer["result"]["value"].clone()
    }

    /// Waits until the expression is true.
    fn until(&mut self, expression: &str) {
        for _ in 0..LOOKS {
            if self.value(expression) == true {
                return;
            }
            std::thread::sleep(WAIT);
        }
        panic!("never true: {expression}");
    }

    /// Opens a page at a width and in a colour scheme, and waits until every chart that is to be seen has been drawn.
    fn open(&mut self, page: &Path, width: u32, scheme: &str) {
        let tall = 40_000;
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": tall, "deviceScaleFactor": 1, "mobile": width < 500 }),
        );
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
        self.ask("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
        self.until("document.readyState === 'complete'");
        self.value("document.querySelectorAll('details').forEach(d => d.open = true)");
        self.until("[...document.querySelectorAll('.plot')].every(p => p.classList.contains('on'))");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that is gone already has been ended by something else.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A short run with a fault, failures, variants and traces, so that every block of the page is there.
const SCENARIO: &str = "\
name: browser
duration: 3m
services:
  web: { cpu: 0.5 vCPU, memory: 1 GiB, desired_count: 2, operations: { get: [{ cpu: 8ms }, { call: { to: store, timeout: 500ms } }] } }
dependencies: { store: { slots: 4, service_time: { exponential: { mean: 30ms } } } }
traffic: { users: { to: web, rate: 40/s, timeout: 1s, retry: { max_attempts: 2 } } }
events:
  - { at: 60s, lasting: 30s, dependency_slow: { dependency: store, factor: 10x } }
objectives: [{ name: quick, latency: { p99: 400ms } }]
experiment: { replications: 3, compare: { services.web.desired_count: { two: 2, three: 3 } } }
";

fn page() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("scenario.yaml"), SCENARIO).expect("the folder is ours");
    let done = Command::new(env!("CARGO_BIN_EXE_wavetank"))
        .args(["compare", "scenario.yaml", "--out", "out", "--quiet"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    let page = folder.path().join("out/report.html");
    assert!(page.is_file(), "{}", String::from_utf8_lossy(&done.stderr));
    (folder, page)
}

/// Charts by title of which nothing is seen: no pixel of a canvas that is drawn upon, no extent of a line.
const WITHOUT_INK: &str = "
[...document.querySelectorAll('.plot')].filter(plot => {
  const canvas = plot.querySelector('canvas');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let at = 3; at < pixels.length; at += 4) ink += pixels[at] > 0;
  const lines = [...plot.querySelectorAll('path.line')];
  plot.classList.remove('on');
  const drawn = lines.some(line => { const box = line.getBBox(); return box.width > 0; });
  plot.classList.add('on');
  return ink < 200 || !drawn;
}).map(plot => plot.querySelector('figcaption').textContent)";

/// Words that are set smaller than 12 px.
const TOO_SMALL: &str = "
[...document.querySelectorAll('body *')].filter(it => {
  const own = [...it.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  return own && it.getClientRects().length && !['SCRIPT', 'STYLE', 'TITLE'].includes(it.tagName.toUpperCase())
    && parseFloat(getComputedStyle(it).fontSize) < 12;
}).map(it => it.outerHTML.slice(0, 120))";

/// Words whose contrast with what lies behind them is under 4.5, by WCAG 2's formula.
const TOO_FAINT: &str = "
(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = it => {
    for (; it; it = it.parentElement) {
      const colour = numbers(getComputedStyle(it).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('main *, nav *')].filter(it => {
    const own = [...it.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !it.getClientRects().length || it.closest('svg')) return false;
    const [one, other] = [light(numbers(getComputedStyle(it).color)), light(behind(it))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05) < 4.5;
  }).map(it => it.outerHTML.slice(0, 120));
})()";

#[test]
#[ignore = "needs chromium"]
fn the_page_is_whole_in_a_browser_at_both_widths_and_in_both_schemes() {
    let (_folder, page) = page();
    let mut browser = Browser::start();
    for width in [390, 1366] {
        for scheme in ["light", "dark"] {
            browser.open(&page, width, scheme);
            let place = format!("at {width} px, {scheme}");
            let charts = browser.value("document.querySelectorAll('.plot').length");
            assert!(charts.as_u64().expect("a count") >= 8, "{place}: {charts} charts");
            assert_eq!(browser.value(WITHOUT_INK), json!([]), "{place}: charts without ink");
            assert_eq!(
                browser.value("document.documentElement.scrollWidth"),
                json!(width),
                "{place}: it scrolls sideways"
            );
            assert_eq!(browser.value(TOO_SMALL), json!([]), "{place}: words under 12 px");
            assert_eq!(browser.value(TOO_FAINT), json!([]), "{place}: words too faint");
        }
    }
    let own = format!("file://{}", page.display());
    let others: Vec<&String> = browser
        .requests
        .iter()
        .filter(|url| **url != own && !url.starts_with("data:"))
        .collect();
    assert!(others.is_empty(), "the page asked for {others:?}");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

#[test]
#[ignore = "needs chromium"]
fn the_cursors_of_all_timelines_go_in_step() {
    let (_folder, page) = page();
    let mut browser = Browser::start();
    browser.open(&page, 1366, "light");
    let place = browser.value(
        "(() => { const box = document.querySelector('#timelines .u-over').getBoundingClientRect();
                  return { x: box.left + box.width / 2, y: box.top + box.height / 2 }; })()",
    );
    let moved = json!({ "type": "mouseMoved", "x": place["x"], "y": place["y"] });
    browser.ask("Input.dispatchMouseEvent", moved);
    // The first cell of each legend is the time under the cursor.
    browser.until("document.querySelector('#timelines .u-value').textContent !== '–'");
    let times = browser.value(
        "[...new Set([...document.querySelectorAll('#timelines .plot')]
            .map(plot => plot.querySelector('.u-value').textContent))]",
    );
    let times = times.as_array().expect("a list");
    assert_eq!(times.len(), 1, "{times:?}");
    assert_ne!(times[0], "–");
}

#[test]
#[ignore = "needs chromium"]
fn the_page_says_the_same_without_script_and_on_paper() {
    let (_folder, page) = page();
    let mut browser = Browser::start();
    browser.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.ask("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
    std::thread::sleep(5 * WAIT);
    browser.ask("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
    let seen = browser.value(
        "[...document.querySelectorAll('details')].forEach(d => d.open = true) ||
         [...document.querySelectorAll('.plot path.line')].filter(line => line.getBBox().width > 0).length",
    );
    assert!(
        seen.as_u64().expect("a count") >= 8,
        "{seen} lines are drawn without script"
    );
    browser.open(&page, 1366, "dark");
    let printed = browser.ask("Page.printToPDF", json!({ "printBackground": false }));
    let pdf = printed["data"].as_str().expect("a PDF in base64");
    assert!(pdf.starts_with("JVBERi"), "it begins with %PDF-");
    assert!(pdf.len() > 50_000, "{} bytes are no page with charts", pdf.len());
}
