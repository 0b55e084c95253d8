//! The bytes of a terminal under way.

use super::quoted::CLOSE_MAX;

/// The bytes of the terminal under way, as long as they may matter.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    bytes: [u8; CLOSE_MAX],
    len: usize,
}

impl Held {
    pub(super) fn of(byte: u8) -> Self {
        let mut held = Self::default();
        held.push(byte);
        held
    }

    /// More bytes than matter.
    pub(super) const fn spilled() -> Self {
        Self { bytes: [0; CLOSE_MAX], len: CLOSE_MAX + 1 }
    }

    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len = (self.len + 1).min(CLOSE_MAX + 1);
    }

    /// The bytes; none where there are too many.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
