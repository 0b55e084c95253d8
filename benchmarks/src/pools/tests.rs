use std::io::Write as _;

use super::*;
use crate::datasets::load_dataset;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn dataset() -> Dataset {
    let row = |id: &str, name: &str| {
        format!(
            "{{\"task_id\": \"{id}\", \"prompt\": \"def {name}(x):\\n\", \"entry_point\": \"{name}\", \
             \"test\": \"def check(candidate):\\n    assert candidate(1) == 1\\n\"}}\n"
        )
    };
    load_dataset(file(&(row("T/0", "f") + &row("T/1", "g"))).path()).unwrap()
}

fn texts(pool: &Pool, id: &str) -> Vec<String> {
    pool.of(id).iter().map(|drawn| drawn.text.clone()).collect()
}

#[test]
fn programs_come_one_or_many_in_a_row() {
    let rows = file(
        "{\"task_id\": \"T/0\", \"completion\": \"a\", \"mean_logprob\": -0.5}\n\
         {\"task_id\": \"T/0\", \"completion_list\": [\"b\", \"c\"], \"completion\": \"other\"}\n\
         {\"prompt\": \"def g(x):\\n\", \"samples\": [\"d\", {\"text\": \"e\", \"mean_logprob\": -1.5}]}\n",
    );
    let pool = read_programs(rows.path(), &dataset()).unwrap();
    assert_eq!(
        (texts(&pool, "T/0"), texts(&pool, "T/1")),
        (vec!["a".into(), "b".into(), "c".into()], vec!["d".into(), "e".into()])
    );
    let log_probs: Vec<_> =
        ["T/0", "T/1"].iter().flat_map(|id| pool.of(id)).map(|drawn| drawn.log_prob).collect();
    assert_eq!(log_probs, [Some(-0.5), None, None, None, Some(-1.5)]);
    assert_eq!((pool.len(), pool.fault_count, pool.of("T/2")), (5, 0, &[][..]));
}

#[test]
fn what_is_null_or_holds_nothing_is_not_there() {
    let rows = file(
        "{\"task_id\": \"T/0\", \"completion_list\": [], \"solution\": null, \"completion\": \"a\"}\n\
         {\"task_id\": \"T/0\", \"samples\": [{\"text\": null, \"completion\": \"b\", \"mean_logprob\": null}]}\n\
         {\"task_id\": \"T/1\", \"completion_list\": []}\n\
         {\"task_id\": \"T/1\", \"completion_list\": null}\n",
    );
    let pool = read_programs(rows.path(), &dataset()).unwrap();
    assert_eq!((texts(&pool, "T/0"), texts(&pool, "T/1")), (vec!["a".into(), "b".into()], vec![]));
    assert_eq!((pool.fault_count, pool.faults[0].place.position.unwrap().0), (1, 4));
}

#[test]
fn completions_can_be_cut_where_another_thing_begins() {
    let texts_of =
        ["    return 1\\n\\ndef g(): pass", "    return 1\\n", "    if x:\\n        print(1)\\nprint(2)\\n#"];
    let row = format!("{{\"task_id\": \"T/0\", \"samples\": [\"{}\"]}}\n", texts_of.join("\", \""));
    let mut pool = read_programs(file(&row).path(), &dataset()).unwrap();
    pool.cut_at_stops();
    assert_eq!(texts(&pool, "T/0"), ["    return 1\n", "    return 1\n", "    if x:\n        print(1)"]);
}

#[test]
fn tests_stand_behind_the_rest_of_their_prompt() {
    let rows = file(
        "{\"prompt\": \"def f(x):\\n    pass\\n\\nassert \", \"samples\": [\"f(1) == 2\\n\"]}\n\
         {\"task_id\": \"T/1\", \"tests\": \"assert g(1) == 2\"}\n\
         {\"task_id\": \"T/1\", \"test_case_list\": [\"assert g(2) == 2\"], \"completion_list\": [\"x\"]}\n",
    );
    let pool = read_tests(rows.path(), &dataset()).unwrap();
    assert_eq!(texts(&pool, "T/0"), ["    pass\n\nassert f(1) == 2\n"]);
    assert_eq!(texts(&pool, "T/1"), ["assert g(1) == 2", "assert g(2) == 2"]);
}

#[test]
fn bad_rows_have_a_place_and_a_remedy_and_cost_nothing_else() {
    let rows = file(
        "{\"task_id\": \"T/9\", \"completion\": \"a\"}\n\
         {\"completion\": \"a\"}\n\
         {\"task_id\": \"T/0\"}\n\
         {\"task_id\": \"T/0\", \"samples\": [\"a\", 1]}\n\
         {\"prompt\": \"def h(x):\", \"samples\": []}\n\
         {\"task_id\": \"T/0\", \"completion\": \"a\", \"mean_logprob\": \"b\"}\n\
         {\"task_id\": \"T/0\", \"completion\": \"cut\n\
         {\"task_id\": \"T/0\", \"completion\": \"good\"}\n",
    );
    let pool = read_programs(rows.path(), &dataset()).unwrap();
    assert_eq!(texts(&pool, "T/0"), ["good"]);
    let faults: Vec<_> =
        pool.faults.iter().map(|fault| (fault.place.position.unwrap().0, fault.reason.as_str())).collect();
    let reasons = [
        "the data set has no problem `T/9`",
        "the row names no problem",
        "the row has none of `completion_list`, `samples`, `solution`, `completion`",
        "expected a text, found a number",
        "no problem of the data set begins with this prompt",
        "expected a number, found a text",
    ];
    for ((line, reason), (number, expected)) in faults.iter().zip((1..).zip(reasons)) {
        assert_eq!((*line, *reason), (number, expected));
    }
    assert_eq!((faults.len(), pool.fault_count), (7, 7));
    assert!(pool.faults.iter().all(|fault| !fault.remedy.is_empty()));
    assert!(pool.faults[0].remedy.contains("such as T/"));
}
