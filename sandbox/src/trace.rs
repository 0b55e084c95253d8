//! The block trace: where values went wrong in one run of a failing test.
//!
//! Source: Zhong et al. 2024, *Debug like a Human* (LDB), section 3, as RethinkMCTS uses it: basic blocks in the order
//! in which they ran, with the local variables before and after each, the first five and the last five.

use serde::{Deserialize, Serialize};

use crate::case::{Case, Test};
use crate::error::SandboxError;
use crate::judge::{Judge, JudgeOptions};
use crate::peer::{Arguments, Peer, Reply, line, text};
use crate::program::Program;
use crate::value::Value;

/// Blocks that one run went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockTrace {
    /// At most ten: the first five and the last five.
    pub blocks: Vec<Block>,
    /// Blocks that ran, those left out included.
    pub total: usize,
}

/// One execution of one basic block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its first line, from 1.
    pub line: u32,
    /// Its executed source lines.
    pub source: String,
    /// `name=value` pairs of the local variables before it, cut in the middle to 100 characters.
    pub before: String,
    /// The same after it.
    pub after: String,
}

impl Judge {
    /// Runs one case of `program` again under a line tracer. `None` where there is no trace to be had: the program
    /// did not end in time, does not compile, or ran no line of its entry point.
    ///
    /// # Errors
    /// [`SandboxError`] where it could not be run as promised.
    pub async fn trace(
        &self,
        program: &Program,
        case: &Case,
        options: &JudgeOptions,
    ) -> Result<Option<BlockTrace>, SandboxError> {
        let (stdin, entry, arguments) = match &case.test {
            Test::Stdio { input, .. } => (input.as_bytes(), Value::None, Arguments::default()),
            Test::Call { .. } | Test::Code { .. } => {
                let Some(entry) = &program.entry else { return Ok(None) };
                let Some(call) = self.last_call(program, case, options).await? else { return Ok(None) };
                (&b""[..], Value::str(entry.as_str()), call)
            }
        };
        // Tracing costs about ten times the run.
        let deadline = case.time_limit.saturating_mul(2);
        let limits = options.limits.with_wall(deadline.saturating_mul(2));
        let mut peer = Peer::open(&self.sandbox, stdin, limits, options.seed).await?;
        let mut fields = vec![("source", Value::str(program.source.as_str())), ("entry", entry)];
        fields.extend(arguments.fields());
        Ok(match peer.ask("trace", fields, deadline).await? {
            Reply::Answer(answer) => BlockTrace::read(&answer),
            Reply::Garbled | Reply::Ended => None,
        })
    }
}

impl BlockTrace {
    fn read(answer: &Value) -> Option<Self> {
        let Value::List(blocks) = answer.field("blocks")? else { return None };
        let Value::Int(total) = answer.field("total")? else { return None };
        let blocks = blocks.iter().take(10).map(Block::read).collect::<Option<_>>()?;
        Some(Self { blocks, total: usize::try_from(total.to_i64()?).ok()? })
    }
}

impl Block {
    fn read(block: &Value) -> Option<Self> {
        let field = |name| text(block, name);
        Some(Self {
            line: line(block)?,
            source: field("source")?,
            before: field("before")?,
            after: field("after")?,
        })
    }
}
