//! Mutation of texts for standard input, token by token: lines, spaces and the number of tokens stay, since programs
//! count them.

use super::bounds::Bounds;
use super::luck::Luck;
use super::mutate::{int, string};

/// The text with one token changed, or two tokens of one line or two lines of equal length swapped.
pub(super) fn mutated(luck: &mut Luck, text: &str, bounds: &Bounds) -> String {
    let mut lines: Vec<Vec<&str>> = text.split('\n').map(pieces).collect();
    let places: Vec<(usize, usize)> = lines
        .iter()
        .enumerate()
        .flat_map(|(line, pieces)| tokens(pieces).map(move |piece| (line, piece)).collect::<Vec<_>>())
        .collect();
    let Some(&(line, piece)) = luck.pick(&places) else { return text.to_owned() };
    let changed;
    match luck.below(6) {
        0 => swap_tokens(luck, &mut lines, line),
        1 => swap_lines(luck, &mut lines, line),
        _ => {
            if let Some(place) = lines.get_mut(line).and_then(|pieces| pieces.get_mut(piece)) {
                changed = token(luck, place, bounds);
                *place = &changed;
            }
        }
    }
    let lines: Vec<String> = lines.into_iter().map(|pieces| pieces.concat()).collect();
    lines.join("\n")
}

/// A line as tokens and the white space between them.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let blank = first.is_whitespace();
        let end = rest.find(|c: char| c.is_whitespace() != blank).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// Places of the tokens among the pieces of a line.
fn tokens<'a>(pieces: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    pieces.iter().enumerate().filter(|(_, piece)| !piece.trim().is_empty()).map(|(place, _)| place)
}

fn swap_tokens(luck: &mut Luck, lines: &mut [Vec<&str>], line: usize) {
    let Some(pieces) = lines.get_mut(line) else { return };
    let places: Vec<usize> = tokens(pieces).collect();
    if let (Some(one), Some(other)) = (luck.pick(&places).copied(), luck.pick(&places).copied()) {
        pieces.swap(one, other);
    }
}

fn swap_lines(luck: &mut Luck, lines: &mut [Vec<&str>], line: usize) {
    let count = |pieces: &Vec<&str>| tokens(pieces).count();
    let Some(wanted) = lines.get(line).map(count) else { return };
    let alike: Vec<usize> =
        lines.iter().enumerate().filter(|(_, pieces)| count(pieces) == wanted).map(|(at, _)| at).collect();
    if let Some(other) = luck.pick(&alike).copied() {
        lines.swap(line, other);
    }
}

/// A token of the same kind: an integer, a decimal number with as many decimals, or a word.
fn token(luck: &mut Luck, token: &str, bounds: &Bounds) -> String {
    if let Ok(whole) = token.parse::<i64>() {
        return int(luck, whole, bounds).to_string();
    }
    if let Some((whole, decimals)) = token.split_once('.')
        && let Ok(whole) = whole.parse::<i64>()
        && decimals.chars().all(|digit| digit.is_ascii_digit())
    {
        return format!("{}.{decimals}", int(luck, whole, bounds));
    }
    let word = string(luck, token, bounds);
    let is_number = |token: &str| token.parse::<f64>().is_ok();
    if word.is_empty() || is_number(&word) != is_number(token) { token.to_owned() } else { word }
}
