//! The totals of a folder, for Prometheus.

use std::collections::BTreeMap;

use super::folder::Row;
use crate::metrics::page::Page;

/// The totals of all runs.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *by_status.entry(&row.status).or_default() += 1;
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).fold(0, u64::saturating_add);
    let mut page = Page::default();
    page.by_label(("codeagent_runs", "gauge", "Runs in the folder by status."), "status", by_status);
    page.number(
        "codeagent_model_calls_total",
        "counter",
        "Model calls of all runs.",
        sum(|row| row.summary.calls),
    );
    page.number(
        "codeagent_tokens_total",
        "counter",
        "Prompt and answer tokens of all runs.",
        sum(|row| row.summary.tokens),
    );
    page.number(
        "codeagent_cost_micro_usd_total",
        "counter",
        "Cost of all runs in millionths of a US dollar, as far as prices are known.",
        sum(|row| row.summary.micro_usd),
    );
    page.text()
}
