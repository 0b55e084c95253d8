//! Log-probabilities of given texts: candidates are rows behind one prefix, read column by column.

use std::collections::VecDeque;

use candle_core::Result;
use rayon::prelude::*;

use super::cache::Suffix;
use super::config::DecoderConfig;
use super::decoder::Decoder;
use super::pass::{Mask, Pass, Shared};
use super::request::{Hidden, Score, Scored};
use super::sample::Spread;

/// Tokens of one group that are read at a time.
const TOKENS: usize = 2048;
const ROWS_MAX: usize = 64;

/// The continuations in groups of like length that fit the budget for keys and values together.
pub(crate) fn groups(request: &Score, config: &DecoderConfig, kv_budget: usize) -> VecDeque<Vec<usize>> {
    let len = |index: &usize| request.continuations.get(*index).map_or(0, Vec::len);
    let mut order: Vec<usize> = (0..request.continuations.len()).collect();
    order.sort_by_key(len);
    let tokens_max = (kv_budget / 4 / config.kv_bytes_per_token()).max(1);
    let mut groups: VecDeque<Vec<usize>> = VecDeque::new();
    // The longest first, so that a group is as wide as its first.
    for index in order.into_iter().rev() {
        match groups.back_mut() {
            Some(group)
                if group.len() < ROWS_MAX
                    && (group.len() + 1) * group.first().map_or(0, len).min(TOKENS) <= TOKENS
                    && (group.len() + 1) * group.first().map_or(0, len) <= tokens_max =>
            {
                group.push(index);
            }
            _ => groups.push_back(vec![index]),
        }
    }
    groups
}

/// Scores a group of continuations. Each row reads the prefix's last token and its continuation; the shorter are filled
/// up behind their ends, where nothing looks.
pub(crate) fn score(
    decoder: &Decoder,
    request: &Score,
    group: &[usize],
    shared: &[Shared],
    chunk: usize,
) -> Result<Vec<Scored>> {
    let Some((last, prefix)) = request.prefix.split_last() else { candle_core::bail!("the prefix is empty") };
    let texts: Vec<&[u32]> =
        group.iter().map(|index| request.continuations.get(*index).map_or(&[][..], Vec::as_slice)).collect();
    let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
    // The last token is read only for its hidden state.
    let columns = if request.hidden == Hidden::None { longest } else { longest + 1 };
    let input = |row: usize, column: usize| match column.checked_sub(1) {
        None => *last,
        Some(before) => texts.get(row).and_then(|text| text.get(before)).copied().unwrap_or(0),
    };
    let mut scored =
        vec![Scored { logprobs: Vec::new(), entropies: Vec::new(), hidden: Vec::new() }; texts.len()];
    let mut suffix = Suffix::new(decoder.config(), texts.len(), columns, decoder.device())?;
    for start in (0..columns).step_by(chunk) {
        let width = chunk.min(columns - start);
        let places =
            || (0..texts.len()).flat_map(|row| (start..start + width).map(move |column| (row, column)));
        let tokens: Vec<u32> = places().map(|(row, column)| input(row, column)).collect();
        let positions: Vec<u32> =
            places().filter_map(|(_, column)| u32::try_from(prefix.len() + column).ok()).collect();
        let pass =
            Pass { tokens: &tokens, positions: &positions, rows: texts.len(), shared, mask: Mask::Causal };
        let hidden = decoder.forward(pass, &mut suffix)?;
        let places: Vec<(usize, usize)> = places().collect();
        decoder.logits_by_piece(&hidden, |first, logits| {
            let logits: Vec<Vec<f32>> = logits.to_vec2()?;
            let spreads: Vec<Spread> = logits.par_iter().map(|logits| Spread::of(logits)).collect();
            let places = places.get(first..).unwrap_or_default();
            for ((logits, spread), (row, column)) in logits.iter().zip(spreads).zip(places) {
                let next = texts.get(*row).and_then(|text| text.get(*column));
                if let (Some(next), Some(scored)) = (next, scored.get_mut(*row)) {
                    scored.logprobs.push(spread.log_probability(logits, *next));
                    scored.entropies.push(spread.entropy);
                }
            }
            Ok(())
        })?;
        keep_hidden(request.hidden, &hidden.to_vec2()?, &places, &texts, &mut scored);
    }
    Ok(scored)
}

/// Keeps the hidden states that were asked for: the state at a token is where the token was read, a column behind.
fn keep_hidden(
    wanted: Hidden,
    states: &[Vec<f32>],
    places: &[(usize, usize)],
    texts: &[&[u32]],
    scored: &mut [Scored],
) {
    if wanted == Hidden::None {
        return;
    }
    for (state, (row, column)) in states.iter().zip(places) {
        let len = texts.get(*row).map_or(0, |text| text.len());
        let is_wanted = *column == len || (wanted == Hidden::All && (1..len).contains(column));
        if let Some(scored) = scored.get_mut(*row).filter(|_| is_wanted) {
            scored.hidden.push(state.clone());
        }
    }
}
