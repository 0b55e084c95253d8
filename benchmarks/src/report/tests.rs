//! Reports of small batches, as snapshots and against hostile text.

use super::Report;
use crate::batch::tests::{batch, row};
use crate::batch::{SampleRow, SampleStatus};

/// Texts that would run, load or break out of something if they were not escaped.
const PAYLOADS: [&str; 10] = [
    "<script>document.title='x'</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</pre></details><iframe src=//example.org>",
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "<svg/onload=alert(1)>",
    "<!--",
    "]]><a href=javascript:alert(1)>",
    "| a | <b>\n# head",
];

fn report(rows: Vec<SampleRow>) -> Report {
    Report::new(batch(&["a", "b", "c"], 2), rows, &[1, 2])
}

fn some_rows() -> Vec<SampleRow> {
    let failed = SampleRow {
        failure: Some("wrong_answer".into()),
        solution: "def f():\n    return 1 < 2\n".into(),
        ..row("a", 1, SampleStatus::Failed, 3)
    };
    vec![
        row("a", 0, SampleStatus::Passed, 2),
        failed,
        row("b", 0, SampleStatus::Passed, 5),
        row("b", 1, SampleStatus::Error, 1),
    ]
}

#[test]
fn a_report_in_markdown() {
    insta::assert_snapshot!(report(some_rows()).to_markdown());
}

#[test]
fn reports_tell_of_answers_that_were_cut() {
    let report = report(vec![SampleRow { repeated: 3, ..row("a", 0, SampleStatus::Passed, 2) }]);
    let line = "3 answers in 1 samples were cut for repeating themselves.";
    assert!(report.to_markdown().contains(line));
    let html = report.to_html().unwrap();
    assert!(html.contains("<b>3</b><span>answers cut for repeating themselves, in 1 samples"), "{html}");
}

#[test]
fn a_report_in_html_has_figures_curves_and_programs() {
    let html = report(some_rows()).to_html().unwrap();
    for part in [
        "75.0 %",
        "wrong_answer",
        "return 1 &lt; 2",
        "Not complete",
        "<polyline",
        "class=\"band\"",
        "No sample yet",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"), "{html}");
}

#[test]
fn difficulties_have_a_table_of_their_own() {
    let mut file = batch(&["a", "b", "c"], 2);
    let words = [("a", "interview"), ("b", "introductory"), ("c", PAYLOADS[0])];
    file.difficulties = words.map(|(id, word)| (id.to_owned(), word.to_owned())).into();
    let report = Report::new(file, some_rows(), &[1, 2]);
    let markdown = report.to_markdown();
    for line in [
        "| introductory | 1 | 1 | 1 | 100.00 % | 100.00 to 100.00 % |",
        "| interview | 1 | 1 | 2 | 50.00 % | 50.00 to 50.00 % |",
        "| &lt;script>document.title='x'&lt;/script> | 1 | 0 | 0 |  |  |",
    ] {
        assert!(markdown.contains(line), "{line} in {markdown}");
    }
    let html = report.to_html().unwrap();
    assert!(
        html.contains("<td>interview</td><td>1</td><td>1</td><td>2</td><td>1</td><td>pass@1: 50.0 %"),
        "{html}"
    );
    assert!(!html.contains("<script"), "{html}");
}

#[test]
fn an_empty_batch_has_a_report_too() {
    let html = report(Vec::new()).to_html().unwrap();
    assert!(html.contains("0 of 3") && html.contains("unknown"), "{html}");
    assert!(report(Vec::new()).to_markdown().contains("not complete"));
}

#[test]
fn foreign_text_stays_text() {
    for payload in PAYLOADS {
        let hostile = SampleRow {
            solution: payload.into(),
            failure: Some(payload.into()),
            ..row(payload, 0, SampleStatus::Failed, 1)
        };
        let mut file = batch(&[payload], 1);
        file.dataset = payload.into();
        file.spec["strategy"] = payload.into();
        let report = Report::new(file, vec![hostile], &[1]);
        let html = report.to_html().unwrap();
        let clean = self::report(some_rows()).to_html().unwrap();
        for tag in ["<script", "<img", "<iframe", "<svg/", "<a ", "<b>"] {
            assert_eq!(
                html.matches(tag).count().min(1),
                clean.matches(tag).count().min(usize::from(tag == "<b>")),
                "{tag} of {payload}"
            );
        }
        assert!(!html.contains("onmouseover='"), "{payload}");
        assert!(!html.contains("49") || !payload.contains("7 * 7"), "{payload}");
        let markdown = report.to_markdown();
        assert!(
            !markdown.contains("<script") && !markdown.contains("\n# head") && !markdown.contains("<b>"),
            "{markdown}"
        );
    }
}

/// The page says which styles may apply; were the hash wrong, none would.
#[test]
fn the_policy_allows_our_style_and_nothing_else() {
    let html = report(some_rows()).to_html().unwrap();
    assert!(html.contains("content=\"default-src 'none'; style-src 'sha256-"), "{html}");
    assert!(!html.contains(" style=\"") && !html.contains("unsafe-inline"));
}
