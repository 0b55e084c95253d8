//! `codeagent view`: the real binary over real runs, asked over its port and looked at with a real browser.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codeagent_store::{NewRun, Store};
use codeagent_tests::binary::{Ended, Sandboxed, until};
use codeagent_tests::driven::Page;
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};
use codeagent_tests::viewer::{Browser, Viewer};
use serde_json::{Value, json};

/// Texts that become markup, code or another order of letters where they are not treated as text.
const PAYLOADS: [&str; 30] = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg onload=\"document.title='owned'\"></svg>",
    "<svg><script>document.title='owned'</script></svg>",
    "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
    "<body onload=\"document.title='owned'\">",
    "<details open ontoggle=\"document.title='owned'\">",
    "<input autofocus onfocus=\"document.title='owned'\">",
    "<a href=\"javascript:document.title='owned'\" id=x>x</a>",
    "<object data=\"javascript:document.title='owned'\"></object>",
    "<embed src=\"javascript:document.title='owned'\">",
    "<base href=\"//evil.example/\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:document.title='owned'\">",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    "<form action=//evil.example><button>x</button></form>",
    "<math><mtext><script>document.title='owned'</script></mtext></math>",
    "<template><script>document.title='owned'</script></template>",
    "<video><source onerror=\"document.title='owned'\"></video>",
    "\" onmouseover=\"document.title='owned'\" x=\"",
    "' onfocus='document.title=1' autofocus='",
    "</title><script>document.title='owned'</script>",
    "</textarea><script>document.title='owned'</script>",
    "</pre></details><script>document.title='owned'</script>",
    "--><script>document.title='owned'</script><!--",
    "]]><script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    "${document.title='owned'}{{constructor.constructor('document.title=1')()}}",
    "\u{202e}eltit.tnemucod\u{2066}\u{200b}\u{0}\u{1b}[31m",
    "__proto__",
];

fn example(name: &str) -> String {
    format!("{}/../examples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// A place with a finished run of an example in `run`.
fn solved(strategy: &str) -> Sandboxed {
    let place = Sandboxed::new();
    let model = SkilledModel::new(0.4);
    let server = ModelServer::answering(move |request| model.answer(request));
    let more = ["--strategy", strategy, "--run-dir", "run"];
    let ended = Ended::of(&mut place.solve(example("merge-intervals"), &server, &more));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    place
}

/// Writes a store by hand.
fn write_store<R>(path: &Path, write: impl AsyncFnOnce(&Store) -> R) -> R {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        std::fs::create_dir_all(path).unwrap();
        let store = Store::open(path.join("run.db")).await.unwrap();
        let result = write(&store).await;
        store.close().await.unwrap();
        result
    })
}

fn new_run(id: &str, problem: &str, sample: u64) -> NewRun {
    let spec = json!({
        "problem": {"id": problem, "statement": "Double it.", "visible": [{"name": "double(2) == 4"}]},
        "sample": sample, "strategy": "resample", "model": "m",
    });
    NewRun { id: id.to_owned(), fingerprint: id.to_owned(), spec: spec.to_string() }
}

fn result(passed: u64) -> String {
    let cost = json!({"calls": 3, "input_tokens": 100, "output_tokens": 20, "micro_usd": 1500});
    json!({"passed": passed, "total": 1, "solution": {"node": 1}, "priced": true, "cost": cost}).to_string()
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn a_folder_without_a_readable_store_is_refused() {
    let place = Sandboxed::new();
    std::fs::create_dir(place.path().join("empty")).unwrap();
    for folder in ["absent", "empty"] {
        let ended = Ended::of(&mut place.command(&["view", folder]));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains("try: "), "{ended:?}");
    }
    for (folder, bytes) in [("no-store", "print('hello')\n".repeat(100)), ("blank", String::new())] {
        std::fs::create_dir(place.path().join(folder)).unwrap();
        let _ = place.file(&format!("{folder}/run.db"), bytes);
        let ended = Ended::of(&mut place.command(&["view", folder]));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(6), ""), "{ended:?}");
        assert!(ended.stderr.contains("run.db"), "{ended:?}");
    }
    let path = place.path().join("damaged");
    write_store(&path, async |store| store.begin_run(&new_run("r", "p", 0)).await.unwrap());
    let mut bytes = std::fs::read(path.join("run.db")).unwrap();
    bytes.iter_mut().skip(100).for_each(|byte| *byte ^= 0x55);
    std::fs::write(path.join("run.db"), bytes).unwrap();
    let ended = Ended::of(&mut place.command(&["view", "damaged", "--json"]));
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert_eq!(ended.json()["kind"], "data");
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let place = solved("resample");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Ended::of(&mut place.command(&["view", "run", "--port", &port]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(&format!("port {port} of 127.0.0.1 is in use")), "{ended:?}");
}

#[test]
fn a_signal_ends_it_at_once() {
    let place = solved("resample");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut viewer = Viewer::start(&place, "run");
        // A connection that is open and idle is in nobody's way.
        let _idle = std::net::TcpStream::connect(viewer.base.trim_start_matches("http://")).unwrap();
        assert_eq!(viewer.runs().len(), 1);
        let asked = Instant::now();
        let pid = viewer.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(viewer.child.wait().unwrap().code(), Some(code));
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
}

#[test]
fn a_run_is_found_by_its_id_and_launch_is_told_as_json() {
    let place = Sandboxed::new();
    let solved = place.run(&["solve", &example("word-count"), "--json"]);
    let id = Ended::from(solved).json()["run_id"].as_str().unwrap().to_owned();
    let mut child = place.command(&["view", &id, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let launch: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&launch["event"], &launch["pid"]), (&json!("launch"), &json!(child.id())));
    assert!(launch["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{launch}");
}

/// The viewer is open all the while: it holds no lock, and sees what is added.
#[test]
fn a_search_goes_on_under_the_eyes_of_a_viewer() {
    let place = Sandboxed::new();
    let model = SkilledModel::new(0.2);
    let server = ModelServer::answering(move |request| model.answer(request));
    let search = ["--strategy", "rethink-mcts", "--seed", "1", "--run-dir", "run", "--set"];
    let solve = |calls: &str| {
        let mut command = place.solve(puzzle("roman"), &server, &search);
        Ended::of(command.arg(format!("budget.calls={calls}")))
    };
    let stopped = solve("4");
    assert_eq!(stopped.code, Some(5), "{stopped:?}");
    let viewer = Viewer::start(&place, "run");
    let before = viewer.runs();
    assert_eq!((before.len(), &before[0]["status"]), (1, &json!("capped")));
    assert_ne!(viewer.json("/api/runs")["live"], true, "nobody writes there now");
    let id = before[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/runs/{id}/events?from=");
    let seen = viewer.json(&format!("{path}0"))["events"].as_array().unwrap().len();

    let ended = solve("400");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    until("the viewer has looked again", || viewer.runs()[0]["status"] == "solved");
    let after = viewer.runs();
    assert_eq!(after[0]["calls"], ended.json()["calls"]);
    assert_eq!(after[0]["passed"], ended.json()["visible"]["passed"]);
    let more = viewer.json(&format!("{path}{seen}"));
    assert_eq!(more["events"][0]["seq"], seen, "only what is new is read again");
}

#[test]
fn who_writes_now_is_told() {
    let place = solved("resample");
    let viewer = Viewer::start(&place, "run");
    if viewer.json("/api/runs")["live"].is_null() {
        return; // This system does not tell.
    }
    let lock = codeagent_store::DirectoryLock::acquire(&place.path().join("run")).unwrap();
    assert_eq!(viewer.json("/api/runs")["live"], true);
    drop(lock);
    assert_eq!(viewer.json("/api/runs")["live"], false);
}

#[test]
fn viewing_changes_nothing() {
    let place = solved("rethink-mcts");
    let store = place.path().join("run/run.db");
    let before = std::fs::read(&store).unwrap();
    let viewer = Viewer::start(&place, "run");
    let id = viewer.runs()[0]["id"].as_str().unwrap().to_owned();
    for path in ["/", "/metrics", &format!("/api/runs/{id}"), &format!("/api/runs/{id}/events")] {
        assert!(!viewer.get(path).is_empty());
    }
    drop(viewer);
    assert_eq!(std::fs::read(&store).unwrap(), before);
}

/// Everything that the viewer gives out, after hidden tests were run on the result.
#[test]
fn hidden_tests_are_on_no_page() {
    let place = Sandboxed::new();
    let row = json!({
        "v": 1, "id": "demo/double", "prompt": "Write a function that doubles a number.",
        "entry": {"kind": "function", "name": "double", "signature": "def double(x: int) -> int"},
        "public_tests": [{"in": "[2]", "out": "4"}],
        "hidden_tests": [{"in": "[987654321]", "out": "1975308642"}],
    });
    let problem = place.file("problem.json", row.to_string());
    let answer = "```python\ndef double(x):\n    return 2 * x\n```";
    let server = ModelServer::answering(|request| {
        vec![answer.to_owned(); request["n"].as_u64().unwrap_or(1) as usize]
    });
    let more = ["--strategy", "resample", "--run-dir", "run", "--judge", "--set", "budget.calls=3"];
    let ended = Ended::of(&mut place.solve(problem, &server, &more));
    assert_eq!(ended.json()["hidden"]["total"], 1, "{ended:?}");
    let viewer = Viewer::start(&place, "run");
    let id = viewer.runs()[0]["id"].as_str().unwrap().to_owned();
    let mut pages =
        vec![viewer.get(&format!("/api/runs/{id}")), viewer.get(&format!("/api/runs/{id}/statement"))];
    let events = events(&viewer, &id);
    pages.extend(events.iter().map(|event| viewer.get(&format!("/api/runs/{id}/events/{}", event["seq"]))));
    assert!(pages.iter().any(|page| page.contains("double(2) == 4")), "visible tests are shown");
    for page in pages {
        assert!(!page.contains("987654321") && !page.contains("1975308642"), "{page}");
    }
}

#[test]
fn ten_thousand_runs_are_no_burden() {
    let place = Sandboxed::new();
    write_store(&place.path().join("batch"), async |store| {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..10_000_u64 {
            let store = store.clone();
            tasks.spawn(async move {
                let (id, problem) = (format!("r{number}"), format!("set/{}", number / 2));
                store.begin_run(&new_run(&id, &problem, number % 2)).await.unwrap();
                if number % 10 == 0 {
                    store.finish_run(&id, "solved", &result(1)).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
    let viewer = Viewer::start(&place, "batch");
    let runs = viewer.runs();
    assert_eq!(runs.len(), 10_000);
    assert!(runs.iter().any(|run| run["problem"] == "set/17" && run["sample"] == 1));
    let version = &viewer.json("/api/runs")["version"];
    assert_eq!(
        viewer.json(&format!("/api/runs?since={version}"))["runs"],
        json!([]),
        "nothing is sent twice"
    );
    let metrics = viewer.get("/metrics");
    assert!(metrics.contains("codeagent_runs{status=\"solved\"} 1000"), "{metrics}");
    assert!(metrics.contains("codeagent_model_calls_total 3000"), "{metrics}");

    let Some(browser) = Browser::find() else { return };
    let page = browser.elements(&viewer.page(""), 1280);
    assert!(page.contains("aria-rowcount=\"10001\""), "all are listed");
    let rows = count(&page, "<tr aria-rowindex");
    assert!((10..200).contains(&rows), "{rows} rows are drawn");
    assert!(
        page.contains("set/0") && page.contains("9,000"),
        "the first rows, and how many are not finished"
    );
}

/// All events of a run, which come in parts.
fn events(viewer: &Viewer, id: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let part = viewer.json(&format!("/api/runs/{id}/events?from={}", all.len()));
        all.extend(part.get("events").and_then(Value::as_array).cloned().unwrap_or_default());
        if part.get("more") != Some(&json!(true)) {
            return all;
        }
    }
}

#[test]
fn the_tree_is_drawn_in_a_browser() {
    let Some(browser) = Browser::find() else { return };
    let place = solved("rethink-mcts");
    let viewer = Viewer::start(&place, "run");
    let id = viewer.runs()[0]["id"].as_str().unwrap().to_owned();
    let made = events(&viewer, &id).iter().filter(|event| event["type"] == "node_added").count();
    assert!(made > 3);
    for (width, place) in [(1280, String::new()), (400, format!("#/{id}/4"))] {
        let page = browser.elements(&viewer.page(&place), width);
        assert!(page.contains("<title>codeagent</title>"), "{page}");
        assert_eq!(count(&page, "role=\"treeitem\""), made + 1, "the root and every node: {page}");
        assert_eq!(count(&page, "class=\"edge\""), made);
        assert_eq!(count(&page, "aria-selected=\"true\""), 1, "the best program, or the node asked for");
        for part in [
            "4 of 4 visible tests pass",
            "<span class=\"k\">def</span>",
            "merge_intervals",
            "Prompt",
            "✓ passed",
            "model calls",
            "★ best program",
        ] {
            assert!(page.contains(part), "{part} at {width}: {page}");
        }
        assert!(page.contains("id=\"trouble\" role=\"alert\" hidden"), "no trouble is shown: {page}");
    }
}

/// A viewer of a search that revised programs, the search's id and its events.
fn revised(place: &Sandboxed, model: SkilledModel) -> (Viewer, String, Vec<Value>) {
    let server = ModelServer::answering(move |request| model.answer(request));
    let more = ["--strategy", "reflexion", "--seed", "1", "--run-dir", "run", "--set", "budget.calls=8"];
    let ended = Ended::of(&mut place.solve(puzzle("roman"), &server, &more));
    assert!(matches!(ended.code, Some(0 | 1 | 5)), "{ended:?}");
    let viewer = Viewer::start(place, "run");
    let runs = viewer.runs();
    let id = runs.first().and_then(|run| run.get("id")?.as_str()).unwrap().to_owned();
    let events = events(&viewer, &id);
    (viewer, id, events)
}

#[test]
fn a_failed_test_and_a_changed_program_are_shown() {
    let Some(browser) = Browser::find() else { return };
    let place = Sandboxed::new();
    let (viewer, id, events) = revised(&place, SkilledModel::new(0.0));
    let revision = events.iter().find(|event| event["kind"] == "revision").expect("a revision");
    let failed = events.iter().find(|event| event["attempt"]["passed"] != event["attempt"]["total"]).unwrap();
    let page = browser.elements(&viewer.page(&format!("#/{id}/{}", failed["node"])), 1280);
    assert!(page.contains("✕ failed") && page.contains("Feedback"), "{page}");
    let page = browser.elements(&viewer.page(&format!("#/{id}/{}", revision["node"])), 1280);
    assert!(page.contains("Changes since #"), "{page}");
    assert!(page.contains("class=\"added\"") || page.contains("The programs are equal."), "{page}");
}

/// How much larger than life the tree is drawn.
fn scale(page: &mut Page) -> f64 {
    page.value("document.querySelector('svg.canvas > g').getCTM().a").as_f64().unwrap()
}

/// The node whose card has the keyboard.
fn focused(page: &mut Page) -> String {
    page.value("document.activeElement?.dataset?.node ?? 'none'").as_str().unwrap().to_owned()
}

#[test]
fn a_click_on_a_node_shows_what_it_holds() {
    let Some(browser) = Browser::find() else { return };
    let place = Sandboxed::new();
    let (viewer, id, events) = revised(&place, SkilledModel::stubborn(0.0));
    let is_failed = |event: &&Value| event["attempt"]["passed"] != event["attempt"]["total"];
    let revision = events.iter().filter(is_failed).find(|event| event["kind"] == "revision");
    let node = revision.expect("a revision that fails")["node"].as_u64().unwrap();
    let held = events.iter().find(|it| it["node"] == node && it["type"] == "node_content").unwrap();
    let held = viewer.json(&format!("/api/runs/{id}/events/{}", held["seq"]));

    let mut page = Page::open(&browser, &viewer.page(""));
    page.click("[aria-label='Show the whole tree']");
    page.click(&format!("[data-node='{node}'] .label"));
    page.wait(&format!("document.querySelector('aside h2')?.textContent === '#{node} revision'"));
    assert_eq!(page.value("location.hash"), format!("#/{id}/{node}"));
    assert_eq!(
        page.text("[aria-selected='true'] .label").split(' ').next(),
        Some(format!("#{node}").as_str())
    );
    // Everything that is folded in the panel is there after a click on its title, and is this node's.
    let shown = |page: &mut Page, title: &str| {
        let at = format!(
            "[...document.querySelectorAll('aside details')].findIndex((it) => it.firstChild.textContent.startsWith('{title}')) + 1"
        );
        let at = page.value(&at).as_u64().unwrap();
        assert!(at > 0, "{title}");
        let details = format!("aside details:nth-of-type({at})");
        if page.value(&format!("document.querySelector('{details}').open")) == false {
            page.click(&format!("{details} > summary"));
            page.wait(&format!("document.querySelector('{details}').open"));
        }
        page.text(&details)
    };
    let text = |path: &str| held.pointer(path).and_then(Value::as_str).unwrap().to_owned();
    assert!(shown(&mut page, "Program").contains(&text("/program")));
    assert!(shown(&mut page, "Answer").contains(&text("/answer")));
    assert!(shown(&mut page, "Prompt").contains(&text("/prompt/0/content")));
    assert!(shown(&mut page, "Feedback").contains(&text("/feedback")));
    assert!(shown(&mut page, "Visible tests").contains("failed"));
    let changes = shown(&mut page, "Changes since #");
    assert!(changes.contains("+ ") || changes.contains("The programs are equal."), "{changes}");

    // The parent's link leads to another node, and the browser's way back to this one.
    page.click("aside .facts a");
    page.wait(&format!("!document.querySelector('aside h2')?.textContent.startsWith('#{node} ')"));
    assert_ne!(page.value("location.hash"), format!("#/{id}/{node}"));
    let _ = page.value("history.back()");
    page.wait(&format!("document.querySelector('aside h2')?.textContent === '#{node} revision'"));
}

#[test]
fn the_tree_is_zoomed_moved_and_folded() {
    let Some(browser) = Browser::find() else { return };
    let place = solved("rethink-mcts");
    let viewer = Viewer::start(&place, "run");
    let mut page = Page::open(&browser, &viewer.page(""));
    page.wait("document.querySelectorAll('[role=treeitem]').length > 3");
    let first = scale(&mut page);
    page.click("[aria-label='Zoom in']");
    let near = scale(&mut page);
    assert!((near / first - 1.3).abs() < 0.01, "{first} {near}");
    page.click("[aria-label='Zoom out']");
    assert!((scale(&mut page) / first - 1.0).abs() < 0.01);
    page.wheel("svg.canvas", -200.0);
    page.wait(&format!("document.querySelector('svg.canvas > g').getCTM().a > {near}"));
    page.wheel("svg.canvas", 400.0);
    page.wait(&format!("document.querySelector('svg.canvas > g').getCTM().a < {first}"));
    page.click("[aria-label='Show the whole tree']");

    let left = |page: &mut Page| {
        page.value("document.querySelector('[data-node=\"0\"]').getBoundingClientRect().x").as_f64().unwrap()
    };
    let (before, hash) = (left(&mut page), page.value("location.hash"));
    page.drag("[data-node='0']", (60.0, 0.0));
    assert!((left(&mut page) - before - 60.0).abs() < 2.0, "{before} {}", left(&mut page));
    assert_eq!(page.value("location.hash"), hash, "who moves the tree chooses no node");

    let nodes =
        |page: &mut Page| page.value("document.querySelectorAll('[role=treeitem]').length").as_u64().unwrap();
    let all = nodes(&mut page);
    page.click("[data-fold='0'] circle");
    assert_eq!(nodes(&mut page), 1, "the root alone");
    assert_eq!(
        page.value("document.querySelector('[data-node=\"0\"]').getAttribute('aria-expanded')"),
        "false"
    );
    assert!(page.text("section .tools").contains(&format!("{} folded", all - 1)));
    page.click("[data-fold='0'] circle");
    assert_eq!(nodes(&mut page), all);
    page.click("[title='Fold all below the second level']");
    assert!(nodes(&mut page) < all);
    page.click("[title='Unfold everything']");
    assert_eq!(nodes(&mut page), all);
}

#[test]
fn the_tree_is_walked_with_the_keyboard() {
    let Some(browser) = Browser::find() else { return };
    let place = solved("rethink-mcts");
    let viewer = Viewer::start(&place, "run");
    let mut page = Page::open(&browser, &viewer.page("#/"));
    page.wait("document.querySelectorAll('[role=treeitem]').length > 3");
    page.click("[data-node='0'] .label");
    page.click("h1");
    let tabs = (0..40).find(|_| {
        page.press("Tab");
        focused(&mut page) == "0"
    });
    assert!(tabs.is_some(), "Tab gets to the tree");
    page.press("ArrowRight");
    let child = focused(&mut page);
    assert_eq!(
        page.value(&format!("document.querySelector('[data-node=\"{child}\"]').getAttribute('aria-level')")),
        "2"
    );
    page.press("Enter");
    page.wait(&format!("document.querySelector('aside h2')?.textContent.startsWith('#{child} ')"));
    page.press("ArrowDown");
    assert_ne!(focused(&mut page), child);
    page.press("ArrowUp");
    assert_eq!(focused(&mut page), child);
    page.press("End");
    assert_ne!(focused(&mut page), "0");
    page.press("Home");
    assert_eq!(focused(&mut page), "0");
    page.press("ArrowLeft");
    assert_eq!(
        page.value("document.querySelectorAll('[role=treeitem]').length"),
        1,
        "folded, with the focus kept"
    );
    assert_eq!(focused(&mut page), "0");
    page.press("ArrowRight");
    assert!(page.value("document.querySelectorAll('[role=treeitem]').length").as_u64() > Some(3));
    let before = scale(&mut page);
    page.press("+");
    assert!(scale(&mut page) > before);
    page.press("-");
    assert!((scale(&mut page) / before - 1.0).abs() < 0.01);
}

/// Every payload in every place that foreign text comes from: a run for each in the list, and all of them in the last.
fn hostile(path: &Path) {
    write_store(path, async |store| {
        for (number, payload) in PAYLOADS.iter().enumerate() {
            let tests = PAYLOADS.map(|text| json!({"name": text, "test": {"input": text, "expected": text}}));
            let spec = json!({
                "problem": {"id": payload, "statement": PAYLOADS.join("\n"), "visible": tests},
                "strategy": payload, "model": payload, "settings": PAYLOADS, "seed": payload, "protocol": payload,
            });
            let id = format!("{number}{payload}").replace('\0', "");
            let run = NewRun { id: id.clone(), fingerprint: id.clone(), spec: spec.to_string() };
            store.begin_run(&run).await.unwrap();
            let events = if number == PAYLOADS.len() - 1 { hostile_events() } else { Vec::new() };
            let rows: Vec<(u64, String)> = (0..).zip(events).collect();
            store.append_events(&id, &rows).await.unwrap();
            if number % 2 == 0 {
                store.finish_run(&id, payload, &json!({"stop_reason": payload}).to_string()).await.unwrap();
            }
        }
    });
}

/// The events of a run in which a node per payload was made, and all that is said is said of the first.
fn hostile_events() -> Vec<String> {
    let attempt = json!({"passed": 0, "total": 30, "parses": true, "length": 3, "slow": 0});
    let failed: Vec<Value> = (0..)
        .zip(PAYLOADS)
        .map(|(test, text)| json!({"test": test, "verdict": text, "expected": text, "actual": text}))
        .collect();
    let mut events =
        vec![json!({"type": "task_started", "strategy": "s", "model": "m", "visible_tests": 30})];
    for (node, text) in (1..).zip(PAYLOADS) {
        let prompt = json!([{"role": text, "content": text}]);
        let program = format!("def f():\n    return '''{text}''' # {text}\n{text}");
        events.extend([
            json!({"node": 1, "type": "node_content", "prompt": prompt, "answer": text, "text": text,
                "program": program, "feedback": text, "failed": failed}),
            json!({"node": node, "type": "node_added", "parent": 0, "kind": text, "action": text, "prior": 1.0,
                "attempt": attempt, "summary": text}),
            json!({"node": 1, "type": "node_reviewed", "author": text, "text": text, "prompt": prompt, "answer": text}),
            json!({"node": 1, "type": "node_evaluated", "evaluator": text, "score": 0.5}),
            json!({"type": "warning", "message": text}),
            json!({"type": text, "node": text}),
            json!({"node": text, "type": "node_feedback", "feedback": text}),
        ]);
    }
    events.push(json!({"node": 1, "type": "candidate_best", "passed": 0, "total": 30}));
    events.push(json!({"type": "task_finished", "status": PAYLOADS[0], "stop_reason": PAYLOADS[1]}));
    let numbered = events.into_iter().enumerate().map(|(seq, mut event)| {
        event.as_object_mut().unwrap().insert("seq".to_owned(), json!(seq));
        event.to_string()
    });
    numbered.collect()
}

/// Whether foreign text got to be more than text: the title says so, or an element that the page has none of.
fn is_owned(page: &str) -> bool {
    let foreign =
        ["<img", "<iframe", "<object", "<embed", "<base", "<form", "<style", "<video", "<math", "<template"];
    !page.contains("<title>codeagent</title>")
        || count(page, "<script") != 1
        || foreign.iter().any(|tag| page.contains(tag))
}

#[test]
fn foreign_text_stays_text() {
    let Some(browser) = Browser::find() else { return };
    let place = Sandboxed::new();
    let control = place.file(
        "control.html",
        format!("<!doctype html><title>codeagent</title><script></script><p>{}</p>", PAYLOADS[1]),
    );
    assert!(is_owned(&browser.elements(&format!("file://{}", control.display()), 1280)), "the test can fail");

    hostile(&place.path().join("hostile"));
    let viewer = Viewer::start(&place, "hostile");
    let runs = viewer.runs();
    assert_eq!(runs.len(), PAYLOADS.len());
    let list = browser.elements(&viewer.page(""), 1280);
    assert!(!is_owned(&list), "{list}");
    assert!(list.contains("&lt;script&gt;document.title='owned'&lt;/script&gt;"), "{list}");
    assert!(list.contains("⟨U+202E⟩"), "what reorders text is shown: {list}");
    let id = percent_encoded(runs.last().unwrap()["id"].as_str().unwrap());
    let page = browser.elements(&viewer.page(&format!("#/{id}/1")), 1280);
    assert!(!is_owned(&page), "{page}");
    assert_eq!(count(&page, "role=\"treeitem\""), 1 + PAYLOADS.len(), "{page}");
    assert_eq!(count(&page, "Review by the"), PAYLOADS.len(), "{page}");
    assert!(page.contains("Earlier versions (29)") && page.contains("Prompt"), "{page}");
    assert!(count(&page, "&lt;img src=x onerror=") > 10, "all is shown as text: {page}");
    assert!(page.contains("id=\"trouble\" role=\"alert\" hidden"), "no trouble is shown: {page}");
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn an_empty_folder_and_an_unknown_run_are_told_so() {
    let Some(browser) = Browser::find() else { return };
    let place = Sandboxed::new();
    write_store(&place.path().join("new"), async |_| ());
    let viewer = Viewer::start(&place, "new");
    let page = browser.elements(&viewer.page(""), 400);
    assert!(page.contains("No run has begun here yet."), "{page}");
    let page = browser.elements(&viewer.page("#/absent"), 400);
    assert!(page.contains("there is no such run"), "{page}");
    let page = browser.elements(&format!("{}/", viewer.base), 400);
    assert!(page.contains("with its token"), "{page}");
}

/// Makes the pictures of docs/viewer.md anew: `cargo test --workspace --test viewer -- --ignored`.
#[test]
#[ignore = "writes docs/images; run it by hand when the page looks different"]
fn draws_the_pictures_of_the_docs() {
    let browser = Browser::find().unwrap();
    let place = Sandboxed::new();
    let model = SkilledModel::stubborn(0.05);
    let server = ModelServer::answering(move |request| model.answer(request));
    let more = ["--strategy", "rethink-mcts", "--seed", "3", "--run-dir", "run", "--set", "budget.calls=60"];
    let _ = Ended::of(&mut place.solve(puzzle("roman"), &server, &more));
    let viewer = Viewer::start(&place, "run");
    let images = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/images");
    std::fs::create_dir_all(&images).unwrap();
    browser.picture(&viewer.page(""), (1280, 900), false, &images.join("viewer-light.png"));
    browser.picture(&viewer.page(""), (1280, 900), true, &images.join("viewer-dark.png"));
}
