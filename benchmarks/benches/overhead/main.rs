//! What a model call costs on our side: whole searches with a model and a sandbox that answer at once and a real store
//! on disk, divided by their model calls.
//!
//! Counted: everything between the policy and the disk. That is the policy, prompts, cache keys, the stack around the
//! model, parsing, syntax trees, the judge with the claim codec, feedback, events, and SQLite with its own threads.
//! The scripted model and the double of the sandbox are counted too, because nothing can tell them apart. Every program
//! fails every test, so every search takes its longest way.
//!
//! Not counted: opening the store, which happens once per run.
//!
//! Criterion shows wall-clock time per call, which is mostly the disk's: a reply is durable before it is used. CPU time
//! of the whole process is shown beside it, against its mark.

#![expect(clippy::expect_used, reason = "a benchmark stops at the first fault")]

mod double;
mod model;

use std::sync::Arc;
use std::time::{Duration, Instant};

use codeagent::models::{Stack, StackConfig};
use codeagent::store::Store;
use codeagent::{Agent, Problem, Status, StoredReplies, Strategy};
use codeagent_benchmarks::load_problem;
use criterion::{Criterion, SamplingMode};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use double::Double;

/// CPU time that a model call may cost, all threads of the process together.
const MARK: Duration = Duration::from_micros(500);

fn main() {
    let place = Place::new();
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(10)).sample_size(10).configure_from_args();
    for (name, settings) in [
        ("resample", json!({"programs": 50})),
        ("reflexion", json!({"max_iterations": 25})),
        ("rethink-mcts", json!({"exhaust": true})),
        ("codechain", json!({"exhaust": true})),
    ] {
        let strategy = Strategy::by_name(name, &settings).expect("the strategy's settings");
        measure(&mut criterion, &place, &strategy);
    }
    criterion.final_summary();
}

/// Where searches run. A seed is used once, so that no reply and no run is found in the store.
struct Place {
    problem: Problem,
    store: Arc<Store>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/merge-intervals.json");
        let problem = load_problem(path).expect("the example").problem.problem;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let store = runtime.block_on(Store::open(folder.path().join("run.db"))).expect("a store");
        Self { problem, store: Arc::new(store), runtime, _folder: folder }
    }

    /// One search to its end, its events read as they come; the number of its model calls.
    async fn search(&self, strategy: &Strategy, seed: u64) -> u32 {
        let replies = StoredReplies::new(Arc::clone(&self.store));
        let stack = Stack::build(model::scripted(), replies, StackConfig::default());
        let agent = Agent::builder()
            .provider(stack.provider)
            .sandbox(Arc::new(Double))
            .strategy(strategy.clone())
            .store(Arc::clone(&self.store))
            .seed(seed)
            .build()
            .expect("an agent");
        let mut run = agent.solve(self.problem.clone());
        while run.next().await.is_some() {}
        let outcome = run.outcome().await;
        assert_eq!(outcome.status, Status::Unsolved, "{outcome:?}");
        assert_eq!(stack.meter.totals().cache_hits, 0, "every call is a new one");
        u32::try_from(outcome.cost.calls).expect("a few calls")
    }
}

/// What searches of one strategy took.
#[derive(Default)]
struct Spent {
    searches: u64,
    calls: u32,
    wall: Duration,
    cpu: Duration,
}

fn measure(criterion: &mut Criterion, place: &Place, strategy: &Strategy) {
    let mut spent = Spent::default();
    let mut group = criterion.benchmark_group("overhead");
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(strategy.name(), |bencher| {
        bencher.iter_custom(|searches| (0..searches).map(|_| spent.add_search(place, strategy)).sum());
    });
    group.finish();
    spent.print(strategy.name());
}

impl Spent {
    /// Wall-clock time per model call of one more search.
    fn add_search(&mut self, place: &Place, strategy: &Strategy) -> Duration {
        let (start, cpu) = (Instant::now(), cpu_time());
        let calls = place.runtime.block_on(place.search(strategy, self.searches));
        let wall = start.elapsed();
        self.cpu += cpu_time().saturating_sub(cpu);
        self.wall += wall;
        self.calls += calls;
        self.searches += 1;
        wall / calls
    }

    #[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
    fn print(&self, strategy: &str) {
        if self.calls == 0 {
            return;
        }
        let (cpu, wall) = (self.cpu / self.calls, self.wall / self.calls);
        println!(
            "overhead/{strategy}: CPU {:.2} of its mark ({cpu:.1?} of {MARK:.1?} per call), wall {wall:.1?} per call; {} calls in {} searches\n",
            cpu.as_secs_f64() / MARK.as_secs_f64(),
            self.calls,
            self.searches,
        );
    }
}

/// CPU time of all threads of this process so far, those that have ended included.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("a time after 0")
}
