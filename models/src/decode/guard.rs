//! The grammar-aware repetition penalty.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::lexer::{Lexer, Terminal};
use super::lines::{Detail, Event, Line, Lines};
use super::openers::Openers;
use super::penalty::{
    CONTENT_WINDOW, HARD_STOP_COPIES, LINE_COPIES_MIN, LINE_WINDOW, Penalty, ROW_COPIES_MIN,
    content_copies_min, count, is_content_run, is_hard_stop,
};
use super::runs::{EndRun, EndRuns};
use super::{Cut, Language, LogitsProcessor, Vocabulary};

/// How a guard acts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GuardConfig {
    /// What is done to tokens that would begin a further copy.
    pub penalty: Penalty,
    /// What the tokens that end the text or a block gain at the same places, in nats per copy too many; 0 for nothing.
    pub end_boost: f32,
    /// Copies of equal contents at which the text is cut behind the first one; `None` for never.
    pub hard_stop: Option<usize>,
    /// How much of a line counts. Coarse symbols touch more than a quarter of good code, and are there for comparison.
    pub detail: Detail,
}

impl Default for GuardConfig {
    /// 0.5 nats per copy, 0.35 for the end, a hard stop at 32 copies, fine symbols.
    fn default() -> Self {
        Self {
            penalty: Penalty::default(),
            end_boost: 0.35,
            hard_stop: Some(HARD_STOP_COPIES),
            detail: Detail::Fine,
        }
    }
}

/// Makes it less likely that the text goes on repeating itself, in contents or in structure.
///
/// It follows the text with an incremental lexer and looks for runs at its end, of tokens and of lines. It acts where the
/// next copy of a run would begin, on the token that began the last copy and all that begin with the same keyword; nowhere
/// else, so that a copy which is begun is finished; inside of strings and comments only the hard stop acts. Code in prompts
/// counts as text before; a special token between them starts the lexer anew.
///
/// Making one lexes the vocabulary: make it once per model and clone it for each row. A clone shares that work and goes
/// on where the original stands, as speculation along a tree of tokens needs it.
///
/// Source: Dong et al. 2025, *Rethinking Repetition Problems of LLMs in Code Generation* (RPG). Unlike there, the penalty is
/// in nats, a run is one of whole lines with a threshold that human code hardly meets, and every run at the end of the text
/// is found, whatever its place and length.
#[derive(Debug, Clone)]
pub struct RepetitionGuard {
    config: GuardConfig,
    language: Language,
    vocabulary: Arc<Vocabulary>,
    openers: Arc<Openers>,
    lexer: Lexer,
    lines: Lines,
    tokens: EndRuns<u32, Place>,
    statements: EndRuns<u64, Place>,
    rows: EndRuns<u64, Place>,
    /// The token that began the logical line under way, and the line inside of brackets.
    statement_begin: u32,
    row_begin: u32,
    accepted: usize,
    /// Tokens before the first drawn one, once that is known.
    prompt: Option<usize>,
    touched: u64,
}

/// What a guard knows of a symbol's beginning.
#[derive(Debug, Clone, Copy)]
struct Place {
    token: u32,
    /// `None` for blanks.
    first: Option<Terminal>,
    /// Blocks and brackets around it, where it begins a line.
    line_depth: Option<u32>,
}

impl RepetitionGuard {
    /// A guard at the start of a text. With [`Language::Text`] it watches contents only.
    #[must_use]
    pub fn new(vocabulary: Arc<Vocabulary>, language: Language, config: GuardConfig) -> Self {
        Self {
            config,
            language,
            openers: Arc::new(Openers::new(&vocabulary, language)),
            vocabulary,
            lexer: Lexer::new(language),
            lines: Lines::new(config.detail),
            tokens: EndRuns::new(CONTENT_WINDOW / 2),
            statements: EndRuns::new(LINE_WINDOW / LINE_COPIES_MIN),
            rows: EndRuns::new(LINE_WINDOW / ROW_COPIES_MIN),
            statement_begin: 0,
            row_begin: 0,
            accepted: 0,
            prompt: None,
            touched: 0,
        }
    }

    /// What it has done so far: symbols compared, bytes lexed and logits changed. Per token it does not depend on what
    /// came before.
    #[must_use]
    pub fn work(&self) -> u64 {
        let compared = self.tokens.compared() + self.statements.compared() + self.rows.compared();
        compared + self.lexer.offset() as u64 + self.touched
    }

    /// The places where the last copy of a run began that the next token may continue, with the copies too many.
    fn critical(&self) -> impl Iterator<Item = (Place, usize)> {
        // Strings and comments are one terminal each: rules, drawings and tables in them are the author's.
        let is_code = !self.lexer.is_in_string() && !self.lexer.is_in_comment();
        let run = is_code.then(|| self.tokens.smallest(is_content_run)).flatten();
        let content = run.and_then(|run| {
            Some((begin_of_next(&self.tokens, run)?, run.copies() + 1 - content_copies_min(run)))
        });
        let structure = if !self.lexer.is_at_start() {
            None
        } else if self.lexer.brackets() == 0 {
            too_many(&self.statements, LINE_COPIES_MIN)
        } else {
            too_many(&self.rows, ROW_COPIES_MIN)
        };
        content.into_iter().chain(structure)
    }

    /// Tokens that would begin a further copy, each with the copies too many.
    fn punished(&self) -> BTreeMap<u32, usize> {
        let mut punished = BTreeMap::new();
        for (place, copies) in self.critical() {
            let alike = place.first.map_or(&[][..], |first| self.openers.tokens(first));
            for token in alike.iter().chain([&place.token]) {
                let worst = punished.entry(*token).or_insert(0);
                *worst = copies.max(*worst);
            }
        }
        punished
    }

    /// Whether a line begins here, and what is punished: what tests on real files look at.
    #[cfg(test)]
    pub(crate) fn decision(&self) -> (bool, BTreeMap<u32, usize>) {
        (self.lexer.is_at_start() && self.lexer.brackets() == 0, self.punished())
    }

    /// Makes tokens more likely that end the text or the block.
    fn boost_ends(&mut self, logits: &mut [f32], punished: &BTreeMap<u32, usize>) {
        let copies = punished.values().copied().max().unwrap_or(0);
        if copies == 0 || self.lexer.brackets() > 0 || self.lexer.is_in_string() {
            return;
        }
        let ends_block = self.lexer.blocks() > 0 && self.lexer.is_at_start();
        let breaks = if ends_block { self.openers.line_breaks() } else { &[] };
        for token in self.vocabulary.ends().iter().chain(breaks).filter(|token| !punished.contains_key(token))
        {
            if let Some(logit) = at(logits, *token) {
                *logit += self.config.end_boost * count(copies);
                self.touched += 1;
            }
        }
    }

    /// Follows the text into the bytes of a token.
    fn read(&mut self, token: u32) -> Option<u32> {
        let bytes = self.vocabulary.bytes(token);
        let begins = self.lexer.is_at_start();
        let brackets = self.lexer.brackets();
        if begins {
            self.row_begin = token;
            if brackets == 0 {
                self.statement_begin = token;
            }
        }
        let is_blank = bytes.trim_ascii().is_empty();
        let (lines, mut events) = (&mut self.lines, Vec::new());
        self.lexer.push(bytes, &mut |lexeme| events.extend(lines.push(lexeme.terminal)));
        for event in events {
            self.take(event, token);
        }
        (begins && !is_blank).then(|| self.lexer.blocks().saturating_add(brackets))
    }

    fn take(&mut self, event: Event, token: u32) {
        let place = |begin: u32, line: Line| Place {
            token: begin,
            first: Some(line.first),
            line_depth: Some(line.depth),
        };
        match event {
            Event::Statement(line) => {
                self.statements.push(line.symbol, place(self.statement_begin, line));
                (self.statement_begin, self.row_begin) = (token, token);
            }
            Event::Row(line) => {
                self.rows.push(line.symbol, place(self.row_begin, line));
                self.row_begin = token;
            }
            Event::Closed => self.rows.clear(),
        }
    }

    fn restart_lexer(&mut self) {
        self.lexer = Lexer::new(self.language);
        self.lines = Lines::new(self.config.detail);
        self.statements.clear();
        self.rows.clear();
    }

    /// The cut behind the first copy of a run that is too long.
    fn hard_stop(&self) -> Option<Cut> {
        let (prompt, copies_max) = (self.prompt?, self.config.hard_stop?);
        let run = self.tokens.smallest(|run| run.copies() >= copies_max && is_content_run(run))?;
        let (unit, _) = self.tokens.unit(run);
        let unit_bytes: usize = unit.iter().map(|place| self.vocabulary.bytes(place.token).len()).sum();
        if !is_hard_stop(run, unit_bytes * run.copies(), copies_max) {
            return None;
        }
        let kept = self.accepted - run.len + first_of(&unit).unwrap_or(0) + run.period;
        Some(Cut { keep: kept.saturating_sub(prompt) })
    }
}

impl LogitsProcessor for RepetitionGuard {
    fn process(&mut self, logits: &mut [f32]) {
        self.prompt.get_or_insert(self.accepted);
        let punished = self.punished();
        for (token, copies) in &punished {
            if let Some(logit) = at(logits, *token) {
                *logit = self.config.penalty.applied(*logit, *copies);
            }
        }
        self.touched += punished.len() as u64;
        self.boost_ends(logits, &punished);
    }

    fn accept(&mut self, token: u32) -> Option<Cut> {
        self.accepted += 1;
        if self.vocabulary.bytes(token).is_empty() {
            self.restart_lexer();
        }
        let line_depth = self.read(token);
        self.tokens.push(token, Place { token, first: self.openers.first(token), line_depth });
        self.hard_stop()
    }
}

/// Where the last copy began of a run of lines that is long enough, if the next line begins a copy.
fn too_many(lines: &EndRuns<u64, Place>, copies_min: usize) -> Option<(Place, usize)> {
    let run = lines.smallest(|run| run.copies() >= copies_min)?;
    Some((begin_of_next(lines, run)?, run.copies() + 1 - copies_min))
}

/// Where the last copy of a run began, if the next symbol begins another.
fn begin_of_next<S: Copy + Eq>(symbols: &EndRuns<S, Place>, run: EndRun) -> Option<Place> {
    let (unit, next) = symbols.unit(run);
    (first_of(&unit)? == next).then(|| unit.get(next).copied())?
}

/// Which symbol of a unit is its first: a run may begin anywhere in it, so that is the outermost of its lines, or, in a
/// unit without the beginning of a line, the first that is not blank. `None` where all are blank: those are not punished,
/// since the same blanks can lead elsewhere.
fn first_of(unit: &[Place]) -> Option<usize> {
    let order = |(_, place): &(usize, &Place)| (place.line_depth.is_none(), place.line_depth);
    let words = unit.iter().enumerate().filter(|(_, place)| place.first.is_some());
    words.min_by_key(order).map(|(index, _)| index)
}

fn at(logits: &mut [f32], token: u32) -> Option<&mut f32> {
    usize::try_from(token).ok().and_then(|token| logits.get_mut(token))
}
