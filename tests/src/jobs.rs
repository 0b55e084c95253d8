//! Runs many asynchronous jobs, as many at once as there are cores.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Carries out all jobs and gathers what they found, in the order of the jobs.
///
/// # Panics
/// If a job does; the others are dropped.
pub fn all<T: Send + 'static>(jobs: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    #[expect(clippy::expect_used, reason = "a test helper")]
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let slots = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for (index, job) in jobs.into_iter().enumerate() {
            let slots = Arc::clone(&slots);
            tasks.spawn(async move {
                let _slot = slots.acquire().await;
                (index, job.await)
            });
        }
        let found: BTreeMap<usize, T> = tasks.join_all().await.into_iter().collect();
        found.into_values().collect()
    })
}
