//! The report as one HTML page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::chart::{Chart, Spot};
use super::{ProblemLine, Report, ReportError};
use crate::batch::{BatchResults, Group, Point};
use crate::pass_at_k::PassAtK;

const TEMPLATE: &str = include_str!("../../templates/report.html");
const STYLE: &str = include_str!("../../templates/report.css");

/// Programs are part of the page up to so many bytes, all in all.
const PROGRAM_BYTES_MAX: usize = 4 << 20;

/// What the template shows.
#[derive(Serialize)]
struct Page<'r> {
    style: &'static str,
    style_hash: String,
    head: Vec<(&'static str, String)>,
    results: &'r BatchResults,
    pass_at_k: Vec<(&'r u64, &'r PassAtK)>,
    by_difficulty: Vec<(&'r str, &'r Group)>,
    charts: Vec<Chart>,
    failures: Vec<(&'r str, u64, u64)>,
    errors: Vec<(&'r str, u64, u64)>,
    problems: Vec<ProblemLine<'r>>,
    shows_programs: bool,
    amendments: usize,
    settings: String,
}

pub(super) fn page(report: &Report) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("percent", percent);
    environment.add_filter("usd", usd);
    let template = environment.template_from_named_str("report.html", TEMPLATE)?;
    let results = &report.results;
    let program_bytes: usize = report.rows.iter().map(|row| row.solution.len()).sum();
    let page = Page {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE.as_bytes())),
        head: report.head(),
        results,
        pass_at_k: results.pass_at_k.iter().collect(),
        by_difficulty: results.easiest_first(),
        charts: charts(report),
        failures: bars(results.failures.iter().map(|(class, count)| (class.as_str(), *count))),
        errors: bars(results.errors.iter().map(|(kind, count)| (kind.as_str(), *count))),
        problems: report.problems(),
        shows_programs: program_bytes <= PROGRAM_BYTES_MAX,
        amendments: report.file.amendments.len(),
        settings: serde_json::to_string_pretty(&report.file.spec).unwrap_or_default(),
    };
    Ok(template.render(Value::from(Serde(page)))?)
}

fn charts(report: &Report) -> Vec<Chart> {
    let every = report.pass_at_every_k();
    let spots: Vec<Spot> = every
        .pass_at_k
        .iter()
        .map(|(k, it)| Spot { x: *k as f64, y: it.mean.value, bounds: Some((it.mean.lo, it.mean.hi)) })
        .collect();
    let curves = &report.results.curves;
    let spent = |unit, points: &[Point]| {
        let spots: Vec<Spot> =
            points.iter().map(|point| Spot { x: point.spent, y: point.solved, bounds: None }).collect();
        Chart::steps(&format!("Solved by {unit} per sample"), unit, &spots)
    };
    let pass_at_k = (spots.len() > 1).then(|| Chart::line("pass@k", "k", &spots)).flatten();
    let charts = [
        pass_at_k,
        spent("calls", &curves.calls),
        spent("tokens", &curves.tokens),
        spent("USD", &curves.usd),
    ];
    charts.into_iter().flatten().collect()
}

/// Counts with their share of the largest, in percent, largest first.
fn bars<'c>(counts: impl Iterator<Item = (&'c str, u64)>) -> Vec<(&'c str, u64, u64)> {
    let mut counts: Vec<(&str, u64)> = counts.collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let most = counts.first().map_or(1, |(_, count)| (*count).max(1));
    counts.into_iter().map(|(name, count)| (name, count, count.saturating_mul(100) / most)).collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn usd(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |usd| format!("${usd:.4}"))
}
