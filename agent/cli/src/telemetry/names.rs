//! Names of OpenTelemetry's conventions, and ours beside them. The only place that knows them.
//!
//! Source: Semantic Conventions for generative AI systems, release 0.1.0 (spans, agent spans, metrics, events).

/// The release that the names are of. It is an attribute of the scope.
pub(super) const RELEASE: &str = "0.1.0";
pub(super) const SCOPE: &str = "codeagent";
pub(super) const SCOPE_RELEASE: &str = "codeagent.gen_ai.conventions.release";

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const OPERATION_AGENT: &str = "invoke_agent";
pub(super) const OPERATION_CHAT: &str = "chat";
pub(super) const OPERATION_TOOL: &str = "execute_tool";
pub(super) const AGENT: &str = "gen_ai.agent.name";
pub(super) const CONVERSATION: &str = "gen_ai.conversation.id";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const TOOL: &str = "gen_ai.tool.name";
pub(super) const TOOL_CALL: &str = "gen_ai.tool.call.id";
pub(super) const ERROR: &str = "error.type";
pub(super) const SERVER_ADDRESS: &str = "server.address";
pub(super) const SERVER_PORT: &str = "server.port";

pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const REQUEST_TEMPERATURE: &str = "gen_ai.request.temperature";
pub(super) const REQUEST_TOP_P: &str = "gen_ai.request.top_p";
pub(super) const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
pub(super) const REQUEST_SEED: &str = "gen_ai.request.seed";
pub(super) const REQUEST_CHOICES: &str = "gen_ai.request.choice.count";
pub(super) const REQUEST_STOP: &str = "gen_ai.request.stop_sequences";

pub(super) const RESPONSE_ID: &str = "gen_ai.response.id";
pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(super) const RESPONSE_FINISH: &str = "gen_ai.response.finish_reasons";

pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const CACHED_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";

pub(super) const CONTENT_EVENT: &str = "gen_ai.client.inference.operation.details";
pub(super) const INPUT_MESSAGES: &str = "gen_ai.input.messages";
pub(super) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";

pub(super) const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
pub(super) const TOKEN_TYPE: &str = "gen_ai.token.type";
pub(super) const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
/// Boundaries that the conventions give for tokens.
pub(super) const TOKEN_BOUNDS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Boundaries that the conventions give for seconds.
pub(super) const SECOND_BOUNDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

pub(super) const PROBLEM: &str = "codeagent.problem.id";
pub(super) const SAMPLE: &str = "codeagent.sample";
pub(super) const STRATEGY: &str = "codeagent.strategy";
pub(super) const SEED: &str = "codeagent.seed";
pub(super) const STATUS: &str = "codeagent.status";
pub(super) const TESTS_PASSED: &str = "codeagent.tests.passed";
pub(super) const TESTS_TOTAL: &str = "codeagent.tests.total";
pub(super) const NODES: &str = "codeagent.nodes";
/// What the search spent of its budget. The names of conventions are for what is paid: replies of the cache would count
/// twice.
pub(super) const BUDGET_CALLS: &str = "codeagent.budget.calls";
pub(super) const BUDGET_INPUT: &str = "codeagent.budget.input_tokens";
pub(super) const BUDGET_CACHED: &str = "codeagent.budget.cached_tokens";
pub(super) const BUDGET_OUTPUT: &str = "codeagent.budget.output_tokens";
pub(super) const BUDGET_COST: &str = "codeagent.budget.micro_usd";
pub(super) const CACHED_REPLY: &str = "codeagent.cached_reply";
pub(super) const TASKS: &str = "codeagent.tasks";
pub(super) const SANDBOX_DURATION: &str = "codeagent.sandbox.duration";
pub(super) const QUEUE_DEPTH: &str = "codeagent.queue.depth";
