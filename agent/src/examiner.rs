//! Judges candidates on a problem's visible tests, each program once: the reports are kept in the run's store.

use std::sync::{Arc, OnceLock};

use codeagent_sandbox::judge::{Judge, JudgeOptions, Report};
use codeagent_sandbox::trace::BlockTrace;
use codeagent_sandbox::{Arguments, Case, Limits, Probe, Program, Sandbox};
use codeagent_store::Store;

use crate::operators::TrialError;
use crate::problem::Problem;

/// The judge of one problem's programs, with its memory.
pub(crate) struct Examiner {
    judge: Judge,
    store: Option<Arc<Store>>,
    backend: String,
    limits: Limits,
    setting: OnceLock<blake3::Hash>,
}

impl Examiner {
    pub(crate) fn new(sandbox: Arc<dyn Sandbox>, store: Option<Arc<Store>>, limits: Limits) -> Self {
        let capabilities = sandbox.capabilities();
        let backend =
            format!("{}/{:?}/{}", capabilities.backend, capabilities.level, capabilities.interpreter);
        Self { judge: Judge::new(sandbox), store, backend, limits, setting: OnceLock::new() }
    }

    /// Runs `source` on the visible tests of `problem`, or recalls the report of the same run.
    pub(crate) async fn examine(&self, problem: &Problem, source: &str) -> Result<Report, TrialError> {
        let program = program(problem, source);
        let Some(store) = &self.store else { return Ok(self.judge_now(problem, &program).await?) };
        let key = self.key(problem, &program);
        if let Some(body) = store.execution(&key).await?
            && let Ok(report) = serde_json::from_slice(&body)
        {
            return Ok(report);
        }
        let report = self.judge_now(problem, &program).await?;
        if let Ok(body) = serde_json::to_vec(&report) {
            // A report that is lost in a crash is made again, so nobody waits for it.
            drop(store.queue_execution(&key, body).await?);
        }
        Ok(report)
    }

    /// Traces the program through one visible test, by the test's index.
    pub(crate) async fn trace(
        &self,
        problem: &Problem,
        source: &str,
        test: usize,
    ) -> Result<Option<BlockTrace>, TrialError> {
        let Some(case) = problem.visible.get(test) else { return Ok(None) };
        Ok(self.judge.trace(&program(problem, source), case, &self.options(problem)).await?)
    }

    /// Calls `entry` of a program, which need not be the problem's, on inputs whose answers nobody knows.
    pub(crate) async fn probe(
        &self,
        problem: &Problem,
        source: String,
        entry: &str,
        inputs: &[Arguments],
    ) -> Result<Probe, TrialError> {
        let program = Program { source, entry: Some(entry.to_owned()) };
        Ok(self.judge.probe(&program, inputs, problem.limits.time, &self.options(problem)).await?)
    }

    /// Runs tests of one function of a program.
    pub(crate) async fn test_function(
        &self,
        problem: &Problem,
        source: String,
        entry: &str,
        cases: &[Case],
    ) -> Result<Report, TrialError> {
        let program = Program { source, entry: Some(entry.to_owned()) };
        Ok(self.judge.judge(&program, cases, &self.options(problem)).await?)
    }

    async fn judge_now(
        &self,
        problem: &Problem,
        program: &Program,
    ) -> Result<Report, codeagent_sandbox::SandboxError> {
        self.judge.judge(program, &problem.visible, &self.options(problem)).await
    }

    fn options(&self, problem: &Problem) -> JudgeOptions {
        JudgeOptions {
            limits: self.limits.with_memory_mib(problem.limits.memory_mib),
            ..JudgeOptions::default()
        }
    }

    /// What is the same for all programs of a problem is hashed once: there may be many tests.
    fn key(&self, problem: &Problem, program: &Program) -> String {
        let setting = self.setting.get_or_init(|| {
            let parts = serde_json::json!({
                "entry": program.entry, "cases": problem.visible,
                "backend": self.backend, "options": self.options(problem),
            });
            blake3::hash(parts.to_string().as_bytes())
        });
        blake3::keyed_hash(setting.as_bytes(), program.source.as_bytes()).to_hex().to_string()
    }
}

fn program(problem: &Problem, source: &str) -> Program {
    Program { source: source.to_owned(), entry: problem.entry.function().map(str::to_owned) }
}
