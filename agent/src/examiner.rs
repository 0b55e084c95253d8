//! Judges candidates on a problem's visible tests, each program once: the reports are kept in the run's store.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use codeagent_sandbox::judge::{Judge, JudgeOptions, Report};
use codeagent_sandbox::trace::BlockTrace;
use codeagent_sandbox::{Arguments, Case, Limits, Probe, Program, Sandbox, SandboxError};
use codeagent_store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answers::Answer;
use crate::inputs::Input;
use crate::operators::TrialError;
use crate::problem::Problem;
use crate::tool::traced;

/// Calls of one program that time out may use up this much; those after them count as timed out.
const PROBE_TIME_MAX: Duration = Duration::from_secs(10);

/// The judge of one problem's programs, with its memory.
pub(crate) struct Examiner {
    judge: Judge,
    sandbox: Arc<dyn Sandbox>,
    store: Option<Arc<Store>>,
    backend: String,
    limits: Limits,
    /// The setting of the visible tests, hashed once: there may be many.
    setting: OnceLock<blake3::Hash>,
}

impl Examiner {
    pub(crate) fn new(sandbox: Arc<dyn Sandbox>, store: Option<Arc<Store>>, limits: Limits) -> Self {
        let capabilities = sandbox.capabilities();
        let backend =
            format!("{}/{:?}/{}", capabilities.backend, capabilities.level, capabilities.interpreter);
        Self {
            judge: Judge::new(Arc::clone(&sandbox)),
            sandbox,
            store,
            backend,
            limits,
            setting: OnceLock::new(),
        }
    }

    /// Runs `source` on the visible tests of `problem`, or recalls the report of the same run.
    pub(crate) async fn examine(&self, problem: &Problem, source: &str) -> Result<Report, TrialError> {
        let program = program(problem, source);
        let setting =
            *self.setting.get_or_init(|| self.setting(problem, problem.entry.function(), &problem.visible));
        self.recall_or_judge(problem, &program, &problem.visible, setting).await
    }

    /// Runs `source` on other cases than the visible ones, or recalls the report of the same run.
    pub(crate) async fn examine_on(
        &self,
        problem: &Problem,
        source: &str,
        cases: &[Case],
    ) -> Result<Report, TrialError> {
        let setting = self.setting(problem, problem.entry.function(), cases);
        self.recall_or_judge(problem, &program(problem, source), cases, setting).await
    }

    async fn recall_or_judge(
        &self,
        problem: &Problem,
        program: &Program,
        cases: &[Case],
        setting: blake3::Hash,
    ) -> Result<Report, TrialError> {
        let key = blake3::keyed_hash(setting.as_bytes(), program.source.as_bytes());
        self.recall(key, self.judge.judge(program, cases, &self.options(problem))).await
    }

    /// What came of the same run before, or of this one.
    async fn recall<T: Serialize + DeserializeOwned>(
        &self,
        key: blake3::Hash,
        run: impl Future<Output = Result<T, SandboxError>>,
    ) -> Result<T, TrialError> {
        let key = key.to_hex().to_string();
        let call = key.get(..16).unwrap_or_default();
        let run = traced("sandbox", call, SandboxError::name, run);
        let Some(store) = &self.store else { return Ok(run.await?) };
        if let Some(body) = store.execution(&key).await?
            && let Ok(found) = serde_json::from_slice(&body)
        {
            return Ok(found);
        }
        let found = run.await?;
        if let Ok(body) = serde_json::to_vec(&found) {
            // What is lost in a crash is made again, so nobody waits for it.
            drop(store.queue_execution(&key, body).await?);
        }
        Ok(found)
    }

    /// Traces the program through one visible test, by the test's index.
    pub(crate) async fn trace(
        &self,
        problem: &Problem,
        source: &str,
        test: usize,
    ) -> Result<Option<BlockTrace>, TrialError> {
        let Some(case) = problem.visible.get(test) else { return Ok(None) };
        let (program, options) = (program(problem, source), self.options(problem));
        Ok(traced("sandbox", "", SandboxError::name, self.judge.trace(&program, case, &options)).await?)
    }

    /// Calls `entry` of a program, which need not be the problem's, on inputs whose answers nobody knows, or recalls what
    /// came of it.
    pub(crate) async fn probe_function(
        &self,
        problem: &Problem,
        source: String,
        entry: &str,
        inputs: &[Arguments],
    ) -> Result<Probe, TrialError> {
        let program = Program { source, entry: Some(entry.to_owned()) };
        let key = self.probing(problem, &program, inputs);
        let options = self.options(problem);
        self.recall(key, self.judge.probe(&program, inputs, problem.limits.time, &options)).await
    }

    /// Runs tests of one function of a program, or recalls the report of the same run.
    pub(crate) async fn test_function(
        &self,
        problem: &Problem,
        source: String,
        entry: &str,
        cases: &[Case],
    ) -> Result<Report, TrialError> {
        let program = Program { source, entry: Some(entry.to_owned()) };
        let setting = self.setting(problem, Some(entry), cases);
        self.recall_or_judge(problem, &program, cases, setting).await
    }

    /// Runs `source` on inputs whose right answers nobody knows, or recalls what it did on them: one answer per input.
    pub(crate) async fn probe(
        &self,
        problem: &Problem,
        source: &str,
        inputs: &[Input],
    ) -> Result<Vec<Answer>, TrialError> {
        let program = program(problem, source);
        let key = self.probing(problem, &program, inputs);
        self.recall(key, self.probe_now(problem, &program, inputs)).await
    }

    async fn probe_now(
        &self,
        problem: &Problem,
        program: &Program,
        inputs: &[Input],
    ) -> Result<Vec<Answer>, SandboxError> {
        let (mut calls, mut answers) = (Vec::new(), Vec::with_capacity(inputs.len()));
        for input in inputs {
            match input {
                Input::Call(arguments) => calls.push(arguments.clone()),
                Input::Stdin(text) => answers.push(self.run(problem, program, text).await?),
            }
        }
        if !calls.is_empty() {
            let options = self.options(problem);
            let limits = options.limits.with_wall(options.limits.wall.min(PROBE_TIME_MAX));
            let options = JudgeOptions { limits, ..options };
            let probe = self.judge.probe(program, &calls, problem.limits.time, &options).await?;
            answers.extend(Answer::of_probe(probe, calls.len()));
        }
        Ok(answers)
    }

    async fn run(&self, problem: &Problem, program: &Program, input: &str) -> Result<Answer, SandboxError> {
        let run = codeagent_sandbox::Run {
            program: program.clone(),
            stdin: input.as_bytes().to_vec(),
            limits: self.options(problem).limits.with_wall(problem.limits.time),
            ..Default::default()
        };
        Ok(Answer::of_run(&codeagent_sandbox::run_program(&self.sandbox, &run).await?))
    }

    fn options(&self, problem: &Problem) -> JudgeOptions {
        JudgeOptions {
            limits: self.limits.with_memory_mib(problem.limits.memory_mib),
            ..JudgeOptions::default()
        }
    }

    /// A hash of what is the same for all programs that run on the same cases.
    fn setting(&self, problem: &Problem, entry: Option<&str>, cases: &[Case]) -> blake3::Hash {
        let parts = serde_json::json!({
            "entry": entry, "cases": cases, "backend": self.backend, "options": self.options(problem),
        });
        blake3::hash(parts.to_string().as_bytes())
    }

    /// A hash of all that a program's answers to `inputs` depend on.
    fn probing(&self, problem: &Problem, program: &Program, inputs: &[impl Serialize]) -> blake3::Hash {
        let setting = self.setting(problem, program.entry.as_deref(), &[]).to_hex();
        let parts = serde_json::json!({
            "setting": setting.as_str(), "time": problem.limits.time, "program": program.source, "probes": inputs,
        });
        blake3::hash(parts.to_string().as_bytes())
    }
}

/// A program as the problem enters it.
pub(crate) fn program(problem: &Problem, source: &str) -> Program {
    Program { source: source.to_owned(), entry: problem.entry.function().map(str::to_owned) }
}
