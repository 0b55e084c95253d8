//! `codeagent modules SAMPLES`: the functions and classes of somebody's samples, those that are alike together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codeagent::models::{CacheMode, Embedder, ErrorKind};
use codeagent::modules::{Cluster, Language, Unit, UnitKind, clusters, clusters_by, outline};
use codeagent::program::assemble;
use codeagent::store::Store;
use codeagent_benchmarks::{DatasetError, Text, load_dataset, read_programs, read_samples};
use serde::Serialize;

use crate::answers::embedding::embedding;
use crate::args::{Globals, ModulesArgs};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, stores};

/// The clusters of one problem's samples, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    v: u32,
    task_id: &'a str,
    samples: usize,
    /// Samples that do not parse.
    unparsable: usize,
    units: usize,
    /// Units that differ by more than layout, comments and names of local variables.
    distinct: usize,
    clusters: Vec<ShownCluster<'a>>,
}

#[derive(Serialize)]
struct ShownCluster<'a> {
    size: usize,
    /// Mean similarity of its members to their mean, in `[0, 1]`.
    cohesion: f64,
    representative: Member<'a>,
    source: &'a str,
    members: Vec<Member<'a>>,
}

#[derive(Serialize)]
struct Member<'a> {
    sample: usize,
    path: &'a str,
    kind: UnitKind,
    line: usize,
    signature: &'a str,
    calls: &'a [String],
    /// Equal for units that are equal up to layout, comments and names of local variables.
    hash: String,
}

/// The samples of a file by problem, as whole programs, and how many bad lines there were.
struct Programs {
    by_problem: BTreeMap<String, Vec<String>>,
    faults: Vec<DatasetError>,
    fault_count: usize,
}

/// Lists the clusters.
///
/// # Errors
/// Exit 2 for a language that this build lacks, 3 for the embedding model, 6 for the files.
pub async fn modules(
    arguments: &ModulesArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let language = language(&arguments.language)?;
    let programs = programs(arguments, environment)?;
    Failure::tell_faults(&programs.faults, programs.fault_count);
    if programs.by_problem.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no sample that could be read")
            .at(arguments.samples.display().to_string())
            .hint("give JSON lines with `task_id` and `completion` or `solution`"));
    }
    let comparison = Comparison::open(arguments, globals, environment).await?;
    for (task_id, samples) in &programs.by_problem {
        // Where there is nothing to wait for, a signal is heard here.
        tokio::task::yield_now().await;
        let outlines: Vec<_> = samples.iter().map(|source| outline(source, language)).collect();
        let units: Vec<(usize, &Unit)> = outlines
            .iter()
            .enumerate()
            .filter_map(|(sample, outline)| Some((sample, outline.as_ref()?)))
            .flat_map(|(sample, outline)| outline.units.iter().map(move |unit| (sample, unit)))
            .collect();
        let alone: Vec<&Unit> = units.iter().map(|(_, unit)| *unit).collect();
        let hashes: Vec<u64> = units.iter().map(|(_, unit)| unit.hash(language)).collect();
        let found = comparison.clusters(&alone, arguments.clusters.get(), arguments.seed).await?;
        let shown = Shown {
            v: 1,
            task_id,
            samples: samples.len(),
            unparsable: outlines.iter().filter(|outline| outline.is_none()).count(),
            units: units.len(),
            distinct: hashes.iter().collect::<BTreeSet<_>>().len(),
            clusters: found.iter().filter_map(|cluster| shown(cluster, &units, &hashes)).collect(),
        };
        if globals.json { output.json(&shown)? } else { print(&shown, output)? }
    }
    comparison.close().await?;
    Ok(if programs.fault_count == 0 { Exit::Done } else { Exit::Data })
}

/// What says which definitions are alike.
enum Comparison {
    /// Their syntax.
    Syntax,
    /// An embedding model, whose vectors are kept where there is a place for them.
    Embedding(Embedder, Option<Arc<Store>>),
}

impl Comparison {
    async fn open(
        arguments: &ModulesArgs,
        globals: &Globals,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let Some(profile) = &arguments.embedding else { return Ok(Self::Syntax) };
        let config = config::load(environment, &globals.config_flags(Vec::new()))?.config;
        let source = embedding(profile, None, CacheMode::Use, &config, environment).await?;
        let store = stores::replies("modules", environment).await?;
        Ok(Self::Embedding(Embedder::new(source.stack(store.clone()).provider), store))
    }

    async fn clusters(&self, units: &[&Unit], count: usize, seed: u64) -> Result<Vec<Cluster>, Failure> {
        let Self::Embedding(embedder, _) = self else { return Ok(clusters(units, count, seed)) };
        let texts: Vec<&str> = units.iter().map(|unit| unit.module.source.as_str()).collect();
        let embedded = embedder.embed(&texts).await.map_err(|error| match error.kind() {
            ErrorKind::Storage => stores::not_kept(&error),
            _ => Failure::new(Exit::Provider, "the embedding model did not answer")
                .caused_by(&error)
                .hint("check the server, its address and the key; the same command pays for nothing twice"),
        })?;
        Ok(clusters_by(&embedded.vectors, count, seed))
    }

    async fn close(&self) -> Result<(), Failure> {
        match self {
            Self::Embedding(_, Some(store)) => store.close().await.map_err(|error| stores::not_kept(&error)),
            _ => Ok(()),
        }
    }
}

fn language(name: &str) -> Result<Language, Failure> {
    let names = || Language::ALL.iter().map(|language| language.name()).collect::<Vec<_>>().join(", ");
    Language::ALL.iter().copied().find(|language| language.name() == name).ok_or_else(|| {
        Failure::usage(format!("no grammar for `{name}`")).hint(format!(
            "use one of {}, or a build with the feature grammar-{name} where there is one",
            names()
        ))
    })
}

fn programs(arguments: &ModulesArgs, environment: &Environment) -> Result<Programs, Failure> {
    let file = environment.directory().join(&arguments.samples);
    let mut by_problem: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Some(dataset) = &arguments.dataset else {
        let read = read_samples(&file).map_err(|error| Failure::data(&error))?;
        for sample in read.samples {
            let (Text::Completion(text) | Text::Solution(text)) = sample.text;
            by_problem.entry(sample.task_id).or_default().push(text);
        }
        return Ok(Programs { by_problem, faults: read.faults, fault_count: read.fault_count });
    };
    let dataset =
        load_dataset(&environment.directory().join(dataset)).map_err(|error| Failure::data(&error))?;
    let read = read_programs(&file, &dataset).map_err(|error| Failure::data(&error))?;
    for problem in dataset.problems.iter().map(|problem| &problem.problem) {
        let programs: Vec<String> =
            read.of(&problem.id).iter().map(|drawn| assemble(problem, &drawn.text)).collect();
        if !programs.is_empty() {
            by_problem.insert(problem.id.clone(), programs);
        }
    }
    Ok(Programs { by_problem, faults: read.faults, fault_count: read.fault_count })
}

fn shown<'a>(cluster: &Cluster, units: &[(usize, &'a Unit)], hashes: &[u64]) -> Option<ShownCluster<'a>> {
    let member = |index: &usize| {
        let (sample, unit) = units.get(*index)?;
        Some(Member {
            sample: *sample,
            path: &unit.path,
            kind: unit.kind,
            line: unit.line,
            signature: &unit.module.signature,
            calls: &unit.module.calls,
            hash: format!("{:016x}", hashes.get(*index)?),
        })
    };
    Some(ShownCluster {
        size: cluster.members.len(),
        cohesion: cluster.cohesion,
        representative: member(&cluster.representative)?,
        source: &units.get(cluster.representative)?.1.module.source,
        members: cluster.members.iter().filter_map(member).collect(),
    })
}

/// For a person: each cluster's size and representative.
fn print(shown: &Shown<'_>, output: &mut Output) -> Result<(), Failure> {
    let Shown { task_id, samples, unparsable, units, distinct, .. } = shown;
    let task = escape::line(task_id);
    output.line(&format!(
        "{task}: {units} definitions, {distinct} distinct, in {samples} samples ({unparsable} do not parse)"
    ))?;
    for (number, cluster) in (1..).zip(&shown.clusters) {
        let Member { sample, path, .. } = &cluster.representative;
        let (size, cohesion, path) = (cluster.size, cluster.cohesion, escape::line(path));
        output.line(&format!(
            "  cluster {number}: {size} alike ({cohesion:.2}), such as {path} of sample {sample}"
        ))?;
        for line in cluster.source.lines() {
            output.line(&format!("    {}", escape::line(line)))?;
        }
    }
    Ok(())
}
