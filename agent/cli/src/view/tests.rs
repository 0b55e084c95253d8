//! The routes over a real socket: who gets in, what every answer says, and that odd requests are refused.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use codeagent::store::{NewRun, Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::folder::Folder;
use super::guard::Token;
use super::routes::router;
use crate::config::types;
use crate::environment::Environment;

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A viewer of a store with one run, `r/1`, under way.
struct Bed {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    store: Store,
    token: Token,
    port: u16,
}

impl Bed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (store, token, port) = runtime.block_on(start(folder.path()));
        Self { folder, runtime, store, token, port }
    }

    /// One request as it stands, without its blank line.
    fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.write_all(format!("{request}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// A request as the page makes it.
    fn get(&self, path: &str) -> Answer {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: a=b; codeagent_{port}={}",
            self.token.text(),
            port = self.port
        ))
    }

    fn check_status(&self, expected: u16, request: &str, more: &str) {
        let token = format!("Authorization: Bearer {}", self.token.text());
        let answer = self.send(&format!("{request} HTTP/1.1\r\n{token}{more}"));
        assert_eq!(answer.status, expected, "{request} {more}");
    }
}

async fn start(path: &Path) -> (Store, Token, u16) {
    let store = Store::open(path.join("run.db")).await.unwrap();
    let spec = json!({
        "problem": {"id": "p/1", "statement": "s".repeat(70_000), "entry": {"kind": "stdio"},
            "visible": [{"name": "input 1", "test": {"test": "stdio", "input": "1", "expected": "2"}}]},
        "strategy": "resample", "model": "m", "seed": u64::MAX, "settings": {},
    });
    let run = NewRun { id: "r/1".into(), fingerprint: "f".into(), spec: spec.to_string() };
    store.begin_run(&run).await.unwrap();
    let events = [
        json!({"seq": 0, "type": "task_started", "visible_tests": 1}),
        json!({"seq": 1, "node": 1, "type": "node_content", "prompt": [{"role": "user", "content": "ask"}],
            "answer": "long ".repeat(20_000), "text": null, "program": "print(2)", "feedback": null}),
        json!({"seq": 2, "type": "of a later version", "note": "x".repeat(3_000)}),
    ];
    let rows: Vec<(u64, String)> = (0..).zip(events.iter().map(Value::to_string)).collect();
    store.append_events("r/1", &rows).await.unwrap();
    store.append_events("r/1", &[(3, "no event".to_owned())]).await.unwrap();
    let environment = Environment::new(Vec::new(), path.to_owned());
    let folder =
        Arc::new(Folder::open(path.to_owned(), types::Store::default(), &environment).await.unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let token = Token::draw(port).unwrap();
    let router = router(folder, token.clone());
    drop(tokio::spawn(async move { axum::serve(listener, router).await }));
    (store, token, port)
}

#[test]
fn only_who_has_the_token_gets_in() {
    let bed = Bed::new();
    let token = bed.token.text();
    assert_eq!(token.len(), 32);
    assert_ne!(token, Token::draw(bed.port).unwrap().text());
    let port = bed.port;
    let head = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}");
    for path in ["/", "/style.css", "/app.js", "/metrics", "/api/runs", "/absent"] {
        let refused = bed.send(&head(path));
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.body.contains("codeagent view") && !refused.body.contains(token), "{path}");
    }
    let wrong = "0".repeat(32);
    for more in [
        format!("Cookie: codeagent_{port}={wrong}"),
        format!("Cookie: codeagent_1={token}"),
        format!("Cookie: codeagent_{port}="),
        format!("Authorization: Bearer {wrong}"),
        format!("Authorization: Basic {token}"),
    ] {
        assert_eq!(bed.send(&format!("{}\r\n{more}", head("/"))).status, 401, "{more}");
    }
    assert_eq!(bed.send(&head(&format!("/?token={wrong}"))).status, 401);
    assert_eq!(bed.get("/").status, 200);
    assert_eq!(bed.send(&format!("{}\r\nAuthorization: Bearer {token}", head("/metrics"))).status, 200);
    let first = bed.send(&head(&format!("/?token={token}")));
    assert_eq!(first.status, 200);
    let cookie = format!("set-cookie: codeagent_{port}={token}; path=/; httponly; samesite=strict");
    assert!(first.head.contains(&cookie), "{}", first.head);
    assert!(!bed.get("/").head.contains("set-cookie"));
}

#[test]
fn requests_from_elsewhere_are_refused() {
    let bed = Bed::new();
    let port = bed.port;
    let own = format!("\r\nHost: 127.0.0.1:{port}");
    for host in
        ["evil.example", "127.0.0.1.evil.example:80", "localhost:x", "127.0.0.1:80:80", "[::1]:80", ""]
    {
        bed.check_status(403, "GET /api/runs", &format!("\r\nHost: {host}"));
    }
    bed.check_status(200, "GET /api/runs", "\r\nHost: localhost:8000");
    bed.check_status(403, "GET http://evil.example/api/runs", &own);
    bed.check_status(200, "GET /api/runs", &format!("{own}\r\nOrigin: http://127.0.0.1:{port}"));
    for origin in
        ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost"]
    {
        bed.check_status(403, "GET /api/runs", &format!("{own}\r\nOrigin: {origin}"));
    }
    for site in ["cross-site", "same-site"] {
        bed.check_status(403, "GET /api/runs", &format!("{own}\r\nSec-Fetch-Site: {site}"));
        bed.check_status(200, "GET /", &format!("{own}\r\nSec-Fetch-Site: {site}"));
    }
    bed.check_status(200, "GET /api/runs", &format!("{own}\r\nSec-Fetch-Site: same-origin"));
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        bed.check_status(405, &format!("{method} /api/runs"), &format!("{own}\r\nContent-Length: 0"));
    }
    let twice = format!("{own}\r\nHost: evil.example");
    let answer =
        bed.send(&format!("GET /api/runs HTTP/1.1\r\nAuthorization: Bearer {}{twice}", bed.token.text()));
    assert!(matches!(answer.status, 400 | 403), "{}", answer.status);
}

#[test]
fn every_answer_is_locked_down() {
    let bed = Bed::new();
    let refused = bed.send("GET / HTTP/1.1\r\nHost: localhost");
    for answer in [bed.get("/"), bed.get("/app.js"), bed.get("/api/runs"), bed.get("/absent"), refused] {
        for line in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; ",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(answer.head.contains(line), "{line} is missing: {}", answer.head);
        }
        assert!(!answer.head.contains("access-control-"), "{}", answer.head);
    }
    let page = bed.get("/");
    assert!(page.head.contains("content-type: text/html; charset=utf-8"), "{}", page.head);
    let remote = ["http:", "https:", "//", " style=", "onload"];
    assert!(remote.iter().all(|text| !page.body.contains(text)), "the page needs nothing from elsewhere");
    assert!(
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            .iter()
            .all(|sink| !bed.get("/app.js").body.contains(sink))
    );
}

#[test]
fn the_list_holds_what_changed() {
    let bed = Bed::new();
    let first = bed.get("/api/runs").json();
    assert_eq!((&first["total"], &first["unread"]), (&json!(1), &json!(0)));
    let run = &first["runs"][0];
    assert_eq!(
        (&run["id"], &run["problem"], &run["status"]),
        (&json!("r/1"), &json!("p/1"), &json!("running"))
    );
    assert_eq!((&run["passed"], &run["total"]), (&Value::Null, &json!(1)));
    let since = |version: &Value| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        bed.get(&format!("/api/runs?since={version}")).json()
    };
    assert_eq!(since(&first["version"])["runs"], json!([]));
    let budget = json!({"seq": 4, "type": "budget", "calls": 7, "tokens": 8, "micro_usd": 9}).to_string();
    bed.runtime.block_on(bed.store.append_events("r/1", &[(4, budget)])).unwrap();
    let second = since(&first["version"]);
    assert_eq!(second["runs"][0]["calls"], 7);
    let result = json!({"passed": 1, "total": 1, "solution": {}, "priced": true, "cost": {"calls": 10}});
    bed.runtime.block_on(bed.store.finish_run("r/1", "solved", &result.to_string())).unwrap();
    let third = since(&second["version"]);
    let run = &third["runs"][0];
    assert_eq!((&run["status"], &run["calls"], &run["passed"]), (&json!("solved"), &json!(10), &json!(1)));
    assert_eq!(bed.get("/api/runs?since=many").json()["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn one_run_and_its_events_come_in_bounded_pieces() {
    let bed = Bed::new();
    let run = bed.get("/api/runs/r%2F1").json();
    assert_eq!(run["seed"], u64::MAX.to_string(), "numbers that JavaScript would round are texts");
    assert_eq!(run["problem"]["tests"], json!([{"name": "input 1", "input": "1", "expected": "2"}]));
    assert_eq!(run["problem"]["statement"]["bytes"], 70_000);
    assert_eq!(bed.get("/api/runs/r%2F1/statement").body.len(), 70_000);

    let answer = bed.get("/api/runs/r%2F1/events").json();
    let events = answer["events"].as_array().unwrap();
    assert_eq!((events.len(), &answer["more"]), (4, &json!(false)));
    assert_eq!(
        events[1],
        json!({"seq": 1, "node": 1, "type": "node_content", "holds": ["prompt", "answer", "program"]})
    );
    assert_eq!(events[2]["note"]["bytes"], 3_000);
    assert_eq!(events[3], json!({"seq": 3, "type": "unreadable"}));
    assert_eq!(bed.get("/api/runs/r%2F1/events?from=3").json()["events"].as_array().unwrap().len(), 1);

    let event = bed.get("/api/runs/r%2F1/events/1").json();
    assert_eq!((&event["program"], &event["answer"]["bytes"]), (&json!("print(2)"), &json!(100_000)));
    let whole = bed.get("/api/runs/r%2F1/events/1/answer");
    assert_eq!(whole.body.len(), 100_000);
    assert!(whole.head.contains("content-type: text/plain; charset=utf-8"), "{}", whole.head);
    assert_eq!(bed.get("/api/runs/r%2F1/events/1/prompt.0").body, "ask");
}

#[test]
fn what_is_not_there_is_not_found() {
    let bed = Bed::new();
    std::fs::write(bed.folder.path().join("secret"), "secret").unwrap();
    for path in [
        "/run.db",
        "/../run.db",
        "/%2e%2e/run.db",
        "/secret",
        "/api/runs/absent",
        "/api/runs/..%2Fsecret",
        "/api/runs/%00",
        "/api/runs/absent/events",
        "/api/runs/absent/statement",
        "/api/runs/r%2F1/events/9",
        "/api/runs/r%2F1/events/-1",
        "/api/runs/r%2F1/events/99999999999999999999",
        "/api/runs/r%2F1/events/1/text",
        "/api/runs/r%2F1/events/1/run",
        "/api/runs/r%2F1/events/1/prompt.9",
        "/api/runs/r%2F1/events/1/prompt.0~1role",
        "/api/runs/r/1",
    ] {
        let answer = bed.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(!answer.body.contains("secret"), "{path}");
    }
    assert_eq!(bed.get("/api/runs/%ff").status, 400);
    assert_eq!(bed.get(&format!("/api/runs/{}", "x".repeat(60_000))).status, 404);
}

#[test]
fn totals_are_for_prometheus() {
    let bed = Bed::new();
    let budget = json!({"seq": 4, "type": "budget", "calls": 7, "tokens": 8, "micro_usd": 9}).to_string();
    bed.runtime.block_on(bed.store.append_events("r/1", &[(4, budget)])).unwrap();
    let odd = NewRun { id: "r2".into(), fingerprint: "g".into(), spec: "{}".into() };
    bed.runtime.block_on(bed.store.begin_run(&odd)).unwrap();
    bed.runtime.block_on(bed.store.finish_run("r2", "a \"status\"\n", "{}")).unwrap();
    let answer = bed.get("/metrics");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    insta::assert_snapshot!(answer.body, @r#"
    # HELP codeagent_runs Runs in the folder by status.
    # TYPE codeagent_runs gauge
    codeagent_runs{status="a \"status\"\n"} 1
    codeagent_runs{status="running"} 1
    # HELP codeagent_model_calls_total Model calls of all runs.
    # TYPE codeagent_model_calls_total counter
    codeagent_model_calls_total 7
    # HELP codeagent_tokens_total Prompt and answer tokens of all runs.
    # TYPE codeagent_tokens_total counter
    codeagent_tokens_total 8
    # HELP codeagent_cost_micro_usd_total Cost of all runs in millionths of a US dollar, as far as prices are known.
    # TYPE codeagent_cost_micro_usd_total counter
    codeagent_cost_micro_usd_total 9
    "#);
}

#[test]
fn foreign_text_travels_as_data() {
    let bed = Bed::new();
    let payload = "</script><script>document.title='owned'</script>\u{202e}";
    let spec =
        json!({"problem": {"id": payload, "statement": payload}, "strategy": payload, "model": payload});
    let run = NewRun { id: payload.into(), fingerprint: "x".into(), spec: spec.to_string() };
    bed.runtime.block_on(bed.store.begin_run(&run)).unwrap();
    let event = json!({"seq": 0, "node": 1, "type": "node_content", "answer": payload}).to_string();
    bed.runtime.block_on(bed.store.append_events(payload, &[(0, event)])).unwrap();
    let id: String = url::form_urlencoded::byte_serialize(payload.as_bytes()).collect();
    let list = bed.get("/api/runs");
    assert!(list.head.contains("content-type: application/json"), "{}", list.head);
    let found = list.json()["runs"].as_array().unwrap().iter().any(|run| run["problem"] == payload);
    assert!(found, "{}", list.body);
    assert_eq!(bed.get(&format!("/api/runs/{id}")).json()["problem"]["statement"], payload);
    let text = bed.get(&format!("/api/runs/{id}/events/0/answer"));
    assert!(text.head.contains("content-type: text/plain") && text.body == payload, "{}", text.head);
}
