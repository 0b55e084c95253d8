//! T3 and T4 of the specification's section 1.1: the guard and the lexer on files that people wrote. They are those of
//! the standard library of the machine's Python, in an order that only their names decide; where there is none the
//! tests say so and pass.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::guard::{GuardConfig, RepetitionGuard};
use super::lexer::{Lexer, Terminal};
use super::lines::{Event, Lines};
use super::runs::EndRuns;
use super::{Detail, Language, LogitsProcessor as _, Vocabulary};
use crate::split::mix;

const FILES: usize = 200;
/// Tests are made of near copies, and tables of characters are written by programs.
const LEFT_OUT: [&str; 7] =
    ["site-packages", "test", "tests", "idle_test", "encodings", "pydoc_data", "__pycache__"];

fn python(arguments: &[&str], input: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    std::fs::write(&file, input).unwrap();
    let mut command = Command::new("python3");
    let command = command.args(["-I", "-S", "-c"]).args(arguments).stdin(std::fs::File::open(file).unwrap());
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
}

/// The files by path, of 1 to 12 KiB each; none, with a notice, where there is no Python.
#[expect(clippy::print_stderr, reason = "a test helper speaks to the person who runs the tests")]
fn human_files(count: usize) -> Vec<(PathBuf, String)> {
    let Some(folder) = python(&["import sysconfig; print(sysconfig.get_path('stdlib'))"], b"") else {
        eprintln!("SKIPPED: no python3 whose standard library could be read");
        return Vec::new();
    };
    let folder = Path::new(folder.trim());
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    let order = |path: &PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        (name.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))), name)
    };
    paths.sort_by_cached_key(order);
    let text = |path: PathBuf| Some((path.clone(), std::fs::read_to_string(path).ok()?));
    let files =
        paths.into_iter().filter_map(text).filter(|(_, text)| (1 << 10..12 << 10).contains(&text.len()));
    files.take(count).collect()
}

/// Words, blanks, line ends, and runs of one mark, as tokenizers cut them.
fn pieces(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        ' ' | '\t' => 1,
        c if c.is_alphanumeric() || c == '_' => 2,
        c => u32::from(c),
    };
    let (mut pieces, mut start, mut before) = (Vec::new(), 0, 0);
    for (place, c) in text.char_indices() {
        if place > start && (class(c) != before || c == '\n') {
            pieces.push(&text[start..place]);
            start = place;
        }
        before = class(c);
    }
    pieces.push(&text[start..]);
    pieces
}

#[derive(Debug, Default)]
struct Harm {
    decisions: usize,
    flips: [usize; 2],
    flips_in_lines: usize,
}

/// Shares that an oracle gives the true token; the rest is on one other.
const SURE: [f32; 2] = [0.9, 0.99];

fn teacher_force(text: &str, harm: &mut Harm) {
    let (mut ids, mut words): (HashMap<&str, u32>, Vec<Vec<u8>>) = (HashMap::new(), Vec::new());
    let tokens: Vec<u32> = pieces(text)
        .into_iter()
        .map(|piece| {
            *ids.entry(piece).or_insert_with(|| {
                words.push(piece.as_bytes().to_vec());
                u32::try_from(words.len() - 1).unwrap()
            })
        })
        .collect();
    let config = GuardConfig::default();
    let vocabulary = Arc::new(Vocabulary::new(words, Vec::new()));
    let mut guard = RepetitionGuard::new(Arc::clone(&vocabulary), Language::Python, config);
    for token in tokens {
        let blank = vocabulary.bytes(token).trim_ascii().is_empty();
        let (at_start, punished) = guard.decision();
        harm.decisions += usize::from(at_start && !blank);
        if let Some(copies) = punished.get(&token) {
            for (flips, sure) in harm.flips.iter_mut().zip(SURE) {
                let flipped = config.penalty.applied(sure.ln(), *copies) < (1.0 - sure).ln();
                *flips += usize::from(flipped);
                harm.flips_in_lines += usize::from(flipped && !at_start);
            }
        }
        assert_eq!(guard.accept(token), None, "no hard stop in {text}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for a person")]
fn human_code_is_hardly_touched() {
    let files = human_files(FILES);
    let mut harm = Harm::default();
    files.iter().for_each(|(_, text)| teacher_force(text, &mut harm));
    if files.len() < FILES {
        return;
    }
    println!("{harm:?}");
    let within = |flips: usize, per_thousand: usize| flips * 1_000 <= harm.decisions * per_thousand;
    assert!(harm.decisions > 10_000 && within(harm.flips[0], 10) && within(harm.flips[1], 5), "{harm:?}");
}

const TOKENIZE: &str = "
import sys, json, tokenize, token
skip = {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, token.ENDMARKER}
start, end = getattr(token, 'FSTRING_START', -1), getattr(token, 'FSTRING_END', -1)
names = {token.NEWLINE: 'NEWLINE', token.INDENT: 'INDENT', token.DEDENT: 'DEDENT', token.STRING: 'STRING'}
for line in sys.stdin:
    found, depth = [], 0
    with open(json.loads(line), 'rb') as file:
        for t in tokenize.tokenize(file.readline):
            if t.type == end:
                depth -= 1
                if depth == 0: found.append('STRING')
            elif t.type == start: depth += 1
            elif depth == 0 and t.type not in skip: found.append(names.get(t.type, t.string))
    print(json.dumps(found))
";

/// T4: terminals are those of CPython's own lexer, whatever the chunks.
#[test]
fn terminals_are_those_of_cpython() {
    let files = human_files(FILES);
    let paths: String = files.iter().map(|(path, _)| serde_json::to_string(path).unwrap() + "\n").collect();
    let Some(reference) = python(&[TOKENIZE], paths.as_bytes()) else { return };
    for ((path, text), expected) in files.iter().zip(reference.lines()) {
        let expected: Vec<String> = serde_json::from_str(expected).unwrap();
        for chunk in [1, 13, text.len()] {
            let (mut lexer, mut found) = (Lexer::new(Language::Python), Vec::new());
            let mut keep = |lexeme: super::Lexeme| {
                found.push(match lexeme.terminal {
                    Terminal::Comment | Terminal::Break => return,
                    Terminal::Newline => "NEWLINE",
                    Terminal::Indent => "INDENT",
                    Terminal::Dedent => "DEDENT",
                    Terminal::String => "STRING",
                    _ => &text[lexeme.start..lexeme.end],
                });
            };
            text.as_bytes().chunks(chunk).for_each(|bytes| lexer.push(bytes, &mut keep));
            lexer.finish(&mut keep);
            let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
            let near = |at: usize| {
                (found.get(at.saturating_sub(3)..at + 3), expected.get(at.saturating_sub(3)..at + 3))
            };
            assert!(differs.is_none() && found.len() == expected.len(), "{path:?}: {:?}", differs.map(near));
        }
    }
}

/// Shares of logical lines at the end of a run of at least m copies, to compare with the specification's figures.
#[test]
#[ignore = "prints figures"]
#[expect(clippy::print_stderr, clippy::cast_precision_loss, reason = "figures for a person")]
fn shares_of_lines_in_runs() {
    for (name, detail) in [("fine", Detail::Fine), ("coarse", Detail::Coarse)] {
        let (mut all, marks) = (0_usize, [2, 3, 4, 6, 8, 10, 15, 16, 19, 32]);
        let mut counts = [0_usize; 10];
        for (_, text) in human_files(900) {
            let (mut lexer, mut lines) = (Lexer::new(Language::Python), Lines::new(detail));
            let mut runs = EndRuns::new(8);
            lexer.push(text.as_bytes(), &mut |lexeme| {
                let Some(Event::Statement(line)) = lines.push(lexeme.terminal) else { return };
                runs.push(line.symbol, ());
                all += 1;
                let most = runs.runs().map(super::runs::EndRun::copies).max().unwrap_or(0);
                counts.iter_mut().zip(marks).for_each(|(count, mark)| *count += usize::from(most >= mark));
            });
        }
        let shares: Vec<String> = marks
            .iter()
            .zip(counts)
            .map(|(m, n)| format!("{m}: {:.2} %", n as f64 * 100.0 / all as f64))
            .collect();
        eprintln!("{name}, {all} lines: {}", shares.join(", "));
    }
}
