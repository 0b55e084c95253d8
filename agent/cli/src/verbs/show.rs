//! `codeagent show RUN`: the tree of a run as indented text, one node in full, or the searches of a batch.

use std::fmt::Write as _;
use std::path::Path;

use codeagent::event::{Event, EventKind};
use codeagent::models::{Finish, Message};
use codeagent::search::{Node, NodeId, NodeKind, Tree};
use codeagent::store::Run;
use serde::Serialize;

use crate::args::{Globals, ShowArgs};
use crate::config::{self, types};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::run_folder;
use crate::stores;

/// Shows a run.
///
/// # Errors
/// Exit 2 where there is no such run or node, exit 6 where its store is damaged.
pub async fn show(
    arguments: &ShowArgs,
    environment: &Environment,
    globals: &Globals,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let json = globals.json;
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config;
    let folder = run_folder::find(&arguments.run, environment)?;
    let (runs, events) = read(&folder, &config.store, arguments.search.as_deref(), environment).await?;
    if let (None, true) = (&arguments.search, runs.len() > 1) {
        return list(&runs, arguments.node.is_some(), json, output);
    }
    let tree = Tree::replay(events.iter().filter_map(Event::change)).map_err(|error| {
        Failure::new(Exit::Data, "the events of the run do not make a tree").caused_by(&error)
    })?;
    match arguments.node {
        Some(number) => {
            let node = u32::try_from(number).ok().and_then(|id| tree.node(NodeId(id))).ok_or_else(|| {
                Failure::usage(format!("the run has no node {number}"))
                    .hint(format!("its nodes are 0 to {}", tree.len().saturating_sub(1)))
            })?;
            one_node(node, &events, json, output)?;
        }
        None if json => events.iter().try_for_each(|event| output.json(event))?,
        None => output.bytes(outline(&tree, &events).as_bytes())?,
    }
    Ok(Exit::Done)
}

/// The runs of a store, and the events of the only one, or of the one whose id starts with `search`.
async fn read(
    folder: &Path,
    config: &types::Store,
    search: Option<&str>,
    environment: &Environment,
) -> Result<(Vec<Run>, Vec<Event>), Failure> {
    let damaged = |error: &dyn std::error::Error| {
        Failure::new(Exit::Data, format!("the run in {} can't be read", folder.display())).caused_by(error)
    };
    let store = stores::open_for_reading(config, folder, environment).await;
    let store = store.map_err(|error| damaged(&error))?;
    let own = stores::runs_of(config, folder, &store).await.map_err(|error| damaged(&error))?;
    let mut runs = store.runs().await.map_err(|error| damaged(&error))?;
    runs.retain(|run| own.as_ref().is_none_or(|own| own.contains(&run.id)));
    let mut chosen = runs.iter().filter(|run| search.is_none_or(|search| run.id.starts_with(search)));
    let run = match (chosen.next(), chosen.next(), search) {
        (Some(run), None, _) => Some(run),
        (_, _, None) => None,
        (None, _, Some(search)) => {
            return Err(Failure::usage(format!("the batch has no search `{search}`"))
                .hint("`codeagent show RUN` lists them; rows of samples.jsonl name theirs as `search`"));
        }
        (Some(_), Some(_), Some(search)) => {
            return Err(
                Failure::usage(format!("several searches start with `{search}`")).hint("give more of the id")
            );
        }
    };
    let mut events = Vec::new();
    if let Some(run) = run {
        for row in store.events(&run.id).await.map_err(|error| damaged(&error))? {
            events.push(serde_json::from_str(&row.body).map_err(|error| damaged(&error))?);
        }
    }
    store.close().await.map_err(|error| damaged(&error))?;
    Ok((runs, events))
}

/// What is told of a search in the list of a batch.
#[derive(Serialize)]
struct Listed<'a> {
    search: &'a str,
    task_id: String,
    sample: u64,
    status: &'a str,
}

fn list(runs: &[Run], wants_node: bool, json: bool, output: &mut Output) -> Result<Exit, Failure> {
    if wants_node {
        return Err(Failure::usage("--node needs --search: the folder holds several searches")
            .hint("`codeagent show RUN` lists them"));
    }
    for run in runs {
        let spec: serde_json::Value = serde_json::from_str(&run.spec).unwrap_or_default();
        let task = spec.pointer("/problem/id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
        let sample = spec.get("sample").and_then(|it| it.as_u64()).unwrap_or_default();
        if json {
            output.json(&Listed { search: &run.id, task_id: task, sample, status: &run.status })?;
        } else {
            let line = format!("{}  {task}  sample {sample}  {}", run.id, run.status);
            output.line(&escape::line(&line))?;
        }
    }
    Ok(Exit::Done)
}

fn outline(tree: &Tree, events: &[Event]) -> String {
    let mut text = String::new();
    let mut open = vec![NodeId::ROOT];
    while let Some(node) = open.pop().and_then(|id| tree.node(id)) {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", escape::line(&line(node, events)));
        let children: Vec<NodeId> = tree.children(node.id).map(|child| child.id).collect();
        open.extend(children.into_iter().rev());
    }
    let cut = events.iter().map(repeated).sum::<usize>();
    if cut > 0 {
        let _ = writeln!(text, "answers cut for repeating themselves: {cut}");
    }
    text
}

/// Answers of a reply that ended cut for repeating themselves.
fn repeated(event: &Event) -> usize {
    let EventKind::LlmReply { finish, .. } = &event.kind else { return 0 };
    finish.iter().filter(|finish| **finish == Finish::Repetition).count()
}

fn line(node: &Node, events: &[Event]) -> String {
    let indent = "  ".repeat(node.depth as usize);
    if node.kind == NodeKind::Root {
        return events.first().map_or_else(|| "root".to_owned(), |event| event.task.clone());
    }
    format!("{indent}#{} {}{}  {}", node.id.0, node.operator, score(node), summary(node.id, events))
}

/// The score: tests passed for programs, the best return for thoughts.
fn score(node: &Node) -> String {
    match &node.attempt {
        Some(attempt) if attempt.total > 0 => format!("  {}/{}", attempt.passed, attempt.total),
        None if node.stats.visits > 0 => format!("  {:.2}", node.stats.max),
        _ => String::new(),
    }
}

/// The first line of what the node holds now: rethinking adds a version, and taking it back drops that one again.
fn summary(id: NodeId, events: &[Event]) -> String {
    let mut versions: Vec<&str> = Vec::new();
    for event in events.iter().filter(|event| event.node == Some(id)) {
        match &event.kind {
            EventKind::NodeAdded { summary, .. } | EventKind::NodeRethought { summary } => {
                versions.push(summary)
            }
            EventKind::NodeReverted => drop(versions.pop()),
            _ => {}
        }
    }
    versions.last().map(|summary| (*summary).to_owned()).unwrap_or_default()
}

fn one_node(node: &Node, events: &[Event], json: bool, output: &mut Output) -> Result<(), Failure> {
    let contents = events.iter().filter(|event| event.node == Some(node.id)).filter(|event| {
        matches!(
            event.kind,
            EventKind::NodeContent { .. } | EventKind::NodeReviewed { .. } | EventKind::NodeFeedback { .. }
        )
    });
    for event in contents {
        if json {
            output.json(event)?;
            continue;
        }
        match &event.kind {
            EventKind::NodeContent { prompt, answer, text, program, feedback, .. } => {
                asked(output, prompt, answer)?;
                section(output, "text", text.as_deref())?;
                section(output, "program", program.as_deref())?;
                section(output, "feedback", feedback.as_deref())?;
            }
            EventKind::NodeReviewed { author, prompt, answer, .. } => {
                section(output, "review", Some(&format!("by the {author}")))?;
                asked(output, prompt, answer)?;
            }
            EventKind::NodeFeedback { feedback } => {
                let text = feedback.as_deref().unwrap_or("Nothing that is shown fails.");
                section(output, "feedback, after the tests that the model wrote", Some(text))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn asked(output: &mut Output, prompt: &[Message], answer: &str) -> Result<(), Failure> {
    for message in prompt {
        let title = format!("prompt, {:?}", message.role).to_lowercase();
        section(output, &title, Some(&message.content))?;
    }
    section(output, "answer", Some(answer))
}

fn section(output: &mut Output, title: &str, body: Option<&str>) -> Result<(), Failure> {
    let Some(body) = body else { return Ok(()) };
    output.line(&format!("== {title}\n{}\n", escape::block(body)))
}
