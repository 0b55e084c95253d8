//! `codeagent critic train|test` and `codeagent reranker train|test`.

mod lessons;
mod progress;

use std::path::{Path, PathBuf};

use codeagent::models::critic::{self, Critic, CriticConfig, Pooling};
use codeagent::models::encoder::EncoderConfig;
use codeagent::models::rerank::metrics::RankFigures;
use codeagent::models::rerank::{self, RerankConfig};
use codeagent::models::scorer::ScorerKind;
use codeagent::models::train::checkpoint::ScorerFile;
use codeagent::models::train::{Example, State, TrainError, Trained, read_state};
use serde_json::json;

use crate::args::Globals;
use crate::args::scorers::{
    CriticAction, CriticArgs, CriticTrainArgs, PoolingKind, RerankerAction, RerankerArgs, RerankerTrainArgs,
    ScorerTestArgs, TrainFlags,
};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::scorers::{self, unusable};
use crate::signals::Stop;
use lessons::Lessons;
use progress::Progress;

/// Trains or tests a critic.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the files.
pub async fn critic(
    arguments: &CriticArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        CriticAction::Train(arguments) => train_critic(arguments, globals, environment, stop, output).await,
        CriticAction::Test(arguments) => {
            test(arguments, ScorerKind::Critic, globals, environment, stop, output).await
        }
    }
}

/// Trains or tests a reranker.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the files.
pub async fn reranker(
    arguments: &RerankerArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        RerankerAction::Train(arguments) => {
            train_reranker(arguments, globals, environment, stop, output).await
        }
        RerankerAction::Test(arguments) => {
            test(arguments, ScorerKind::Reranker, globals, environment, stop, output).await
        }
    }
}

async fn train_critic(
    arguments: &CriticTrainArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let defaults = CriticConfig::default();
    let flags = &arguments.training;
    let config = CriticConfig {
        encoder: encoder(flags),
        pooling: match arguments.pooling {
            PoolingKind::Max => Pooling::Max,
            PoolingKind::LogMeanExp => Pooling::LogMeanExp,
        },
        epochs: arguments.epochs.get(),
        steps: flags.steps.map(Into::into),
        learning_rate: flags.learning_rate.unwrap_or(defaults.learning_rate),
        held_out: flags.held_out,
        seed: flags.seed,
        ..defaults
    };
    let Some(lessons) = Lessons::read(&arguments.lessons, globals, environment, stop).await? else {
        return Ok(stop.exit().unwrap_or(Exit::Interrupted));
    };
    let faults = lessons.faults;
    let train = move |from: Option<State>, progress: &mut Progress| {
        let trained = critic::train(&config, &lessons.pools.concat(), from, progress)?;
        Ok(file_of(trained, |critic| critic.file().clone()))
    };
    run(flags, globals, environment, stop, output, (faults, train)).await
}

async fn train_reranker(
    arguments: &RerankerTrainArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let defaults = RerankConfig::default();
    let flags = &arguments.training;
    let config = RerankConfig {
        encoder: encoder(flags),
        rounds: arguments.rounds.get(),
        epochs: arguments.epochs.get(),
        steps: flags.steps.map(Into::into),
        learning_rate: flags.learning_rate.unwrap_or(defaults.learning_rate),
        without_length: !arguments.keep_length,
        held_out: flags.held_out,
        seed: flags.seed,
        ..defaults
    };
    let Some(lessons) = Lessons::read(&arguments.lessons, globals, environment, stop).await? else {
        return Ok(stop.exit().unwrap_or(Exit::Interrupted));
    };
    let faults = lessons.faults;
    let train = move |from: Option<State>, progress: &mut Progress| {
        let pools: Vec<&[Example]> = lessons.pools.iter().map(Vec::as_slice).collect();
        let trained = rerank::train(&config, &pools, from, progress)?;
        Ok(file_of(trained, |reranker| reranker.file().clone()))
    };
    run(flags, globals, environment, stop, output, (faults, train)).await
}

fn encoder(flags: &TrainFlags) -> EncoderConfig {
    let width = flags.width.get();
    EncoderConfig {
        width,
        layers: flags.layers.get(),
        inner: 2 * width,
        problem_tokens: flags.problem_tokens.get(),
        program_tokens: flags.program_tokens.get(),
        ..EncoderConfig::default()
    }
}

fn file_of<T>(trained: Trained<T>, file: impl Fn(&T) -> ScorerFile) -> Option<ScorerFile> {
    match trained {
        Trained::Done(scorer) => Some(file(&scorer)),
        Trained::Stopped => None,
    }
}

/// Runs a training on a thread of its own, and writes what it comes to.
async fn run(
    flags: &TrainFlags,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
    (faults, train): (
        usize,
        impl FnOnce(Option<State>, &mut Progress) -> Result<Option<ScorerFile>, TrainError> + Send + 'static,
    ),
) -> Result<Exit, Failure> {
    let out = environment.directory().join(&flags.out);
    let kept = state_of(&out);
    let from = match flags.resume {
        true => Some(read_state(&kept).map_err(|error| {
            Failure::new(Exit::Data, "there is no training to go on with")
                .at(kept.display().to_string())
                .caused_by(&error)
                .hint("leave --resume out to start afresh")
        })?),
        false => None,
    };
    let mut progress = Progress::new(kept.clone(), stop.token().clone(), globals.quiet);
    let trained = tokio::task::spawn_blocking(move || {
        let trained = train(from, &mut progress);
        progress.finish();
        trained
    });
    let trained = trained
        .await
        .map_err(|error| Failure::new(Exit::Internal, "the training broke down").caused_by(&error))?;
    let Some(file) = trained.map_err(|error| failed(&flags.out, &error))? else {
        if !globals.quiet {
            tracing::warn!("the state of the training is in {}; --resume goes on", kept.display());
        }
        return Ok(stop.exit().unwrap_or(Exit::Interrupted));
    };
    file.write(&out).map_err(|error| failed(&flags.out, &error.into()))?;
    // What is done needs no state; one that can't be removed does no harm.
    drop(std::fs::remove_file(&kept));
    let (kind, training) = (file.manifest.kind.name(), &file.manifest.training);
    if globals.json {
        output.json(&json!({
            "v": 1, "kind": kind, "file": flags.out.display().to_string(), "fingerprint": file.fingerprint,
            "temperature": file.manifest.temperature, "training": training,
        }))?;
    } else {
        output.line(&format!("{kind} in {}", crate::escape::line(&flags.out.display().to_string())))?;
        figures("held out", training.get("held_out"), output)?;
    }
    Ok(if faults > 0 { Exit::Data } else { Exit::Done })
}

fn state_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".training");
    name.into()
}

fn failed(path: &Path, error: &TrainError) -> Failure {
    let failure = match error {
        TrainError::Settings { .. } | TrainError::OtherTraining { .. } => {
            Failure::usage("nothing was trained")
        }
        TrainError::Examples { .. } | TrainError::Diverged { .. } => {
            Failure::new(Exit::Data, "nothing was trained")
        }
        TrainError::Checkpoint(_) => Failure::usage("the training cannot be kept"),
        _ => Failure::new(Exit::Internal, "nothing was trained"),
    };
    failure.at(path.display().to_string()).caused_by(error).hint("see docs/critics.md")
}

/// Says how a scorer does.
async fn test(
    arguments: &ScorerTestArgs,
    kind: ScorerKind,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let path = &arguments.scorer;
    let scorer = scorers::open(path, environment)?;
    if scorer.kind() != kind {
        return Err(Failure::usage(format!("this is no {}", kind.name()))
            .at(path.display().to_string())
            .hint(format!("use `codeagent {} test`", scorer.kind().name())));
    }
    let Some(lessons) = Lessons::read(&arguments.lessons, globals, environment, stop).await? else {
        return Ok(stop.exit().unwrap_or(Exit::Interrupted));
    };
    let place = environment.directory().join(path);
    let examples = lessons.pools.concat();
    let measured = tokio::task::spawn_blocking(move || {
        let ranking = RankFigures::measure(scorer.as_ref(), &examples)?;
        let classes = match kind {
            ScorerKind::Critic => Some(Critic::read(&place)?.figures(&examples)?),
            _ => None,
        };
        Ok::<_, TrainError>((ranking, classes))
    });
    let measured = measured
        .await
        .map_err(|error| Failure::new(Exit::Internal, "the test broke down").caused_by(&error))?;
    let (ranking, classes) = measured.map_err(|error| unusable(path, &error))?;
    let shown = json!({ "v": 1, "kind": kind.name(), "outcomes": classes, "ranking": ranking });
    if globals.json {
        output.json(&shown)?;
    } else {
        figures("outcomes", shown.get("outcomes"), output)?;
        figures("ranking", shown.get("ranking"), output)?;
    }
    Ok(if lessons.faults > 0 { Exit::Data } else { Exit::Done })
}

/// The figures of an object, one per line.
fn figures(title: &str, figures: Option<&serde_json::Value>, output: &mut Output) -> Result<(), Failure> {
    let Some(figures) = figures.and_then(serde_json::Value::as_object) else { return Ok(()) };
    output.line(&format!("{title}:"))?;
    for (name, value) in figures {
        let value = match (value.as_u64(), value.as_f64()) {
            (Some(count), _) => count.to_string(),
            (None, Some(figure)) => format!("{figure:.4}"),
            (None, None) => "-".to_owned(),
        };
        output.line(&format!("  {:<26}{value}", name.replace('_', " ")))?;
    }
    Ok(())
}
