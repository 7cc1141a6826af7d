//! Work on damaged bytes, in which another library may panic: the panic becomes an error, and nothing
//! of it reaches stderr.
//!
//! Parquet's decoders index where they might check. What our own code panics on stays a panic: only
//! the reading of files is contained.

mod exec;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

use futures::FutureExt;

pub(crate) use exec::ContainScans;

thread_local! {
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

static HUSH: Once = Once::new();

/// What `work` gives; where it panics, what it says.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HUSH.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_CONTAINED.get() {
                told(panic);
            }
        }));
    });
    let was_contained = IS_CONTAINED.replace(true);
    // What `work` borrowed is read no more: whoever called it ends with an error.
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_CONTAINED.set(was_contained);
    done.map_err(|panic| said(panic.as_ref()))
}

/// As [`contained`], for work that waits in between.
pub(crate) async fn contained_future<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    futures::future::poll_fn(|context| match contained(|| work.poll_unpin(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(said) => Poll::Ready(Err(said)),
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("bytes that the decoder gives up on: {}", text.unwrap_or("it does not say why"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_what_it_says_and_an_inner_one_leaves_the_outer_contained() {
        let outer = contained(|| {
            assert!(contained(|| panic!("within")).is_err());
            IS_CONTAINED.get()
        });
        assert_eq!(outer, Ok(true));
        assert!(!IS_CONTAINED.get());
        let indexed = contained(|| [1, 2, 3][std::hint::black_box(7)]).unwrap_err();
        assert!(indexed.contains("index out of bounds: the len is 3"), "{indexed}");
    }

    #[tokio::test]
    async fn a_future_that_panics_after_it_waited_is_an_error() {
        let panics = async {
            tokio::task::yield_now().await;
            panic!("late");
        };
        let said = contained_future::<()>(panics).await.unwrap_err();
        assert!(said.ends_with("late"), "{said}");
        assert_eq!(contained_future(async { 1 + 1 }).await, Ok(2));
    }
}
