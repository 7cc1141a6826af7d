//! Work for processors, handed to Rayon: tokio's threads are for reading and writing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

/// Begins `work` on Rayon's threads at once, and gives what waits for it without holding one of
/// tokio's.
///
/// # Errors
/// A bug: `work` (`what` it does) has panicked. Rayon by itself would end the process.
pub fn off_tokio<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T>> + Send + 'static {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    rayon::spawn(move || {
        // What `work` owned is gone with it, so that nothing half done is seen again. The receiver
        // is gone when the job was stopped: nobody wants the result.
        if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
            drop(sender.send(done));
        }
    });
    async move { receiver.await.map_err(|_| Error::bug(format!("{what} panicked"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_not_the_end_of_the_process() {
        let error = off_tokio("adding", || -> u32 { panic!("in a test") }).await.unwrap_err();
        assert_eq!(error.kind, crate::Kind::Bug);
        assert_eq!(error.reports[0].title, "adding panicked");
        assert_eq!(off_tokio("adding", || 1 + 1).await.unwrap(), 2);
    }
}
