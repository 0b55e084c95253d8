//! A page in a browser that is driven as a person drives it: with the mouse, its wheel and the keyboard. The browser takes
//! these over its debugging pipe and makes the events of them that it makes of real ones.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::binary::until;
use crate::viewer::Browser;

/// An open page. Its browser ends when it is dropped.
pub struct Page {
    child: Child,
    orders: File,
    reports: BufReader<File>,
    session: String,
    count: u64,
    _pipes: tempfile::TempDir,
}

impl Page {
    /// Opens an address in a window of 1280 × 900.
    ///
    /// # Panics
    /// If the browser does not do it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn open(browser: &Browser, address: &str) -> Self {
        let pipes = tempfile::tempdir().expect("a temporary folder");
        let (orders, reports) = (pipes.path().join("orders"), pipes.path().join("reports"));
        let made = Command::new("mkfifo").args([&orders, &reports]).status();
        assert!(made.is_ok_and(|made| made.success()), "two pipes");
        // The browser reads from 3 and writes to 4.
        let mut command = Command::new("sh");
        command.args(["-c", r#"in=$1 out=$2; shift 2; exec "$@" 3<"$in" 4>"$out""#, "sh"]);
        command.args([&orders, &reports]).arg(browser.program()).args(browser.flags());
        command.args(["--remote-debugging-pipe", "--window-size=1280,900", "about:blank"]);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("chromium starts");
        let orders = File::options().write(true).open(orders).expect("a pipe");
        let reports = BufReader::new(File::open(reports).expect("a pipe"));
        let mut page = Self { child, orders, reports, session: String::new(), count: 0, _pipes: pipes };
        let target = page.ask("Target.createTarget", &json!({ "url": address }));
        let attach = json!({ "targetId": target.get("targetId"), "flatten": true });
        let attached = page.ask("Target.attachToTarget", &attach);
        page.session = text(attached.get("sessionId").unwrap_or(&Value::Null));
        // Until the page is there, the empty one that it takes the place of answers, or nothing does.
        let is_there =
            json!({ "expression": "location.href !== 'about:blank' && document.readyState === 'complete'" });
        until("the page is there", || {
            let answer = page.try_ask("Runtime.evaluate", &is_there).unwrap_or_default();
            answer.pointer("/result/value") == Some(&Value::Bool(true))
        });
        page
    }

    /// The value of an expression on the page.
    ///
    /// # Panics
    /// If it throws.
    #[must_use]
    pub fn value(&mut self, expression: &str) -> Value {
        let order = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", &order);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer.pointer("/result/value").cloned().unwrap_or_default()
    }

    /// Waits until an expression is true on the page.
    ///
    /// # Panics
    /// If it is not after a minute.
    pub fn wait(&mut self, expression: &str) {
        until(expression, || self.value(expression) == true);
    }

    /// The text of the first element that a selector finds, empty if there is none.
    #[must_use]
    pub fn text(&mut self, selector: &str) -> String {
        text(&self.value(&format!("document.querySelector({})?.textContent ?? ''", json!(selector))))
    }

    /// Clicks in the middle of the first element that a selector finds, once it is there.
    pub fn click(&mut self, selector: &str) {
        let (x, y) = self.middle(selector);
        self.mouse("mouseMoved", x, y, &json!({}));
        let button = json!({ "button": "left", "clickCount": 1 });
        self.mouse("mousePressed", x, y, &button);
        self.mouse("mouseReleased", x, y, &button);
    }

    /// Turns the wheel over the middle of an element; down is positive.
    pub fn wheel(&mut self, selector: &str, down: f64) {
        let (x, y) = self.middle(selector);
        self.mouse("mouseWheel", x, y, &json!({ "deltaX": 0, "deltaY": down }));
    }

    /// Presses the left button in the middle of an element and moves it away.
    pub fn drag(&mut self, selector: &str, (right, down): (f64, f64)) {
        let (x, y) = self.middle(selector);
        let button = json!({ "button": "left", "buttons": 1, "clickCount": 1 });
        self.mouse("mousePressed", x, y, &button);
        self.mouse("mouseMoved", x + right / 2.0, y + down / 2.0, &button);
        self.mouse("mouseMoved", x + right, y + down, &button);
        self.mouse("mouseReleased", x + right, y + down, &json!({ "button": "left", "clickCount": 1 }));
    }

    /// Presses a key by its name, as `KeyboardEvent.key` has it.
    pub fn press(&mut self, key: &str) {
        let (code, typed) = match key {
            "Tab" => (9, None),
            "Enter" => (13, Some("\r")),
            "End" => (35, None),
            "Home" => (36, None),
            "ArrowLeft" => (37, None),
            "ArrowUp" => (38, None),
            "ArrowRight" => (39, None),
            "ArrowDown" => (40, None),
            other => (0, Some(other)),
        };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if let (Some(typed), Some(fields)) = (typed, down.as_object_mut()) {
            fields.insert("text".to_owned(), json!(typed));
        }
        self.ask("Input.dispatchKeyEvent", &down);
        self.ask(
            "Input.dispatchKeyEvent",
            &json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// The middle of an element, in pixels of the window, once the element is there.
    fn middle(&mut self, selector: &str) -> (f64, f64) {
        let selector = json!(selector);
        self.wait(&format!("document.querySelector({selector}) !== null"));
        let place = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector}); it.scrollIntoView({{ block: 'nearest' }}); \
             const box = it.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        let at = |index: usize| place.get(index).and_then(Value::as_f64).unwrap_or_default();
        (at(0), at(1))
    }

    fn mouse(&mut self, kind: &str, x: f64, y: f64, more: &Value) {
        let mut order = json!({ "type": kind, "x": x, "y": y });
        if let (Some(order), Some(more)) = (order.as_object_mut(), more.as_object()) {
            order.extend(more.clone());
        }
        self.ask("Input.dispatchMouseEvent", &order);
    }

    /// Gives one order and waits for its answer.
    #[expect(clippy::panic, reason = "a test helper")]
    fn ask(&mut self, method: &str, order: &Value) -> Value {
        self.try_ask(method, order).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// As [`Self::ask`], with the browser's error.
    #[expect(clippy::expect_used, reason = "a test helper")]
    fn try_ask(&mut self, method: &str, order: &Value) -> Result<Value, Value> {
        self.count += 1;
        let id = self.count;
        let mut message = json!({ "id": id, "method": method, "params": order });
        if let (false, Some(fields)) = (self.session.is_empty(), message.as_object_mut()) {
            fields.insert("sessionId".to_owned(), json!(self.session));
        }
        write!(self.orders, "{message}\0").expect("the browser listens");
        loop {
            let mut line = Vec::new();
            self.reports.read_until(0, &mut line).expect("the browser answers");
            assert!(!line.is_empty(), "the browser ended at {method}");
            line.pop();
            let mut answer: Value = serde_json::from_slice(&line).expect("JSON");
            if answer.get("id") == Some(&json!(id)) {
                return match answer.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
                };
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // It may have ended by itself; what it started ends with it.
        drop(write!(self.orders, "{}\0", json!({ "id": 0, "method": "Browser.close" })));
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
