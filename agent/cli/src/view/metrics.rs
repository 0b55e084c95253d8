//! The totals of a folder in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::folder::Row;

/// The media type of the format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The totals of all runs.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *by_status.entry(&row.status).or_default() += 1;
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).fold(0, u64::saturating_add);
    let mut page = Page::default();
    page.head("codeagent_runs", "gauge", "Runs in the folder by status.");
    for (status, runs) in by_status {
        page.sample("codeagent_runs", Some(status), runs);
    }
    page.head("codeagent_model_calls_total", "counter", "Model calls of all runs.");
    page.sample("codeagent_model_calls_total", None, sum(|row| row.summary.calls));
    page.head("codeagent_tokens_total", "counter", "Prompt and answer tokens of all runs.");
    page.sample("codeagent_tokens_total", None, sum(|row| row.summary.tokens));
    page.head(
        "codeagent_cost_micro_usd_total",
        "counter",
        "Cost of all runs in millionths of a US dollar, as far as prices are known.",
    );
    page.sample("codeagent_cost_micro_usd_total", None, sum(|row| row.summary.micro_usd));
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

// Writing to a string can't fail.
impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, status: Option<&str>, value: u64) {
        let label = status.map(|status| format!("{{status=\"{}\"}}", escaped(status))).unwrap_or_default();
        let _ = writeln!(self.text, "{name}{label} {value}");
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
