//! Holding searches up for a while, without ending them.

use std::sync::Arc;
use std::time::Duration;

use codeagent_models::{Capabilities, ModelError, Provider, Reply, Request};
use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;

/// A switch that holds searches up. Clones are the same switch.
///
/// While it is on, the searches that have it ([`crate::AgentBuilder::pause`]) start no trials and ask their models
/// nothing new, and their time limits stand still. What is under way by then is finished and kept, requests with their
/// retries included. What a search does is the same, whether and when it was held up.
#[derive(Debug, Clone, Default)]
pub struct Pause {
    is_on: watch::Sender<bool>,
}

impl Pause {
    /// Holds the searches up.
    pub fn pause(&self) {
        self.is_on.send_replace(true);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.is_on.send_replace(false);
    }

    /// Whether they are held up.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.is_on.borrow()
    }

    /// Waits until they are not held up.
    pub async fn over(&self) {
        self.becomes(false).await;
    }

    /// Sleeps for so much time in which they are not held up.
    pub async fn sleep(&self, mut time: Duration) {
        loop {
            self.over().await;
            let began = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(time) => return,
                () = self.becomes(true) => time = time.saturating_sub(began.elapsed()),
            }
        }
    }

    async fn becomes(&self, wanted: bool) {
        // Fails only without a sender, and there is one here.
        drop(self.is_on.subscribe().wait_for(|is_on| *is_on == wanted).await);
    }

    /// The same model, which is asked nothing while the switch is on.
    pub(crate) fn gate(&self, provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
        Arc::new(Gated { pause: self.clone(), provider })
    }
}

struct Gated {
    pause: Pause,
    provider: Arc<dyn Provider>,
}

impl Provider for Gated {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async move {
            self.pause.over().await;
            self.provider.complete(request).await
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn model(&self) -> &str {
        self.provider.model()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_stands_still_while_it_is_on() {
        let pause = Pause::default();
        let began = Instant::now();
        let sleeper = tokio::spawn({
            let pause = pause.clone();
            async move { pause.sleep(Duration::from_secs(10)).await }
        });
        tokio::time::sleep(Duration::from_secs(4)).await;
        pause.pause();
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert!(!sleeper.is_finished() && pause.is_paused());
        pause.resume();
        sleeper.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 3_610);
    }

    #[tokio::test(start_paused = true)]
    async fn a_switch_that_is_off_holds_nothing_up() {
        let pause = Pause::default();
        pause.over().await;
        let began = Instant::now();
        pause.sleep(Duration::from_secs(2)).await;
        assert_eq!(began.elapsed().as_secs(), 2);
    }
}
