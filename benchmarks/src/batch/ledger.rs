//! Takes note of what comes of samples, tells it, and sees when a batch has to end.

use codeagent::search::StopReason;
use codeagent::solution::FailureKind;
use tokio::sync::mpsc;

use super::row::{SampleError, SampleRow};
use super::{BatchError, Ended, News};
use crate::queue::Disposal;

/// So many samples that end in errors, one after the other and with no good one between, end the batch: something is
/// down that all of them need.
const ERRORS_IN_A_ROW_MAX: usize = 20;

/// What came of one sample.
pub(crate) enum Drawn {
    Row(Box<SampleRow>),
    CutShort(StopReason),
    /// Its task broke down; the sample has no row.
    Broken(String),
}

impl Drawn {
    /// What is to become of its task.
    pub(crate) const fn disposal(&self) -> Disposal {
        match self {
            Self::Row(_) => Disposal::Done,
            Self::CutShort(_) | Self::Broken(_) => Disposal::Returned,
        }
    }
}

/// What is known of a batch under way.
pub(crate) struct Ledger<'n> {
    news: &'n mpsc::Sender<News>,
    errors_in_a_row: usize,
    /// How it ends, once that is known.
    pub(crate) ended: Option<Ended>,
}

impl<'n> Ledger<'n> {
    pub(crate) const fn new(news: &'n mpsc::Sender<News>) -> Self {
        Self { news, errors_in_a_row: 0, ended: None }
    }

    pub(crate) async fn note(&mut self, drawn: Drawn) -> Result<(), BatchError> {
        let end = match drawn {
            Drawn::CutShort(StopReason::RunBudget) => Some(Ended::RunBudget),
            Drawn::CutShort(_) => Some(Ended::Cancelled),
            Drawn::Broken(message) => Some(Ended::Down(SampleError { kind: FailureKind::Internal, message })),
            Drawn::Row(row) => {
                self.errors_in_a_row = if row.is_resolved() { 0 } else { self.errors_in_a_row + 1 };
                let end = down(&row, self.errors_in_a_row);
                self.news.send(News::Finished(row)).await.map_err(|_| BatchError::Untold)?;
                end
            }
        };
        if self.ended.is_none() {
            self.ended = end;
        }
        Ok(())
    }
}

/// Whether an error is one that every further sample would meet.
fn down(row: &SampleRow, errors_in_a_row: usize) -> Option<Ended> {
    let error = row.error.as_ref()?;
    let meets_all = matches!(error.kind, FailureKind::Refused | FailureKind::Store);
    (meets_all || errors_in_a_row >= ERRORS_IN_A_ROW_MAX).then(|| Ended::Down(error.clone()))
}
