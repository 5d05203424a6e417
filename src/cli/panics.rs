//! A panic as a failure like any other: what it said, and where, become the last words of the process.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once, PoisonError};

use crate::error::{Error, Result};

/// What the last panic of this process said, of whichever thread. (That of a thread which another waits for would else be lost.)
static SAID: Mutex<Option<String>> = Mutex::new(None);

/// Does `work`; a panic in it is a defect of ours.
///
/// # Errors
/// Those of `work`; a panic (exit 1).
pub fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    listen();
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let said = SAID.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(Error::bug(format!("it panicked {}", said.unwrap_or_else(|| "and did not say why".to_owned()))))
    })
}

/// From here on it is known what a panic says; it is printed as before.
fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or_else(|| "somewhere".to_owned(), |at| format!("at {at}"));
            let payload = panic.payload();
            let literal = payload.downcast_ref::<&str>().copied();
            let what = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
            *SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{place}: {what}"));
            before(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_a_panic_says_and_where_is_known_even_where_another_thread_had_it() {
        assert_eq!(caught(|| Ok(3)).unwrap(), 3);
        assert_eq!(caught::<()>(|| Err(Error::usage("no"))).unwrap_err().what(), "no");
        let in_a_thread = || -> Result<()> {
            std::thread::scope(|scope| scope.spawn(|| panic!("on purpose {}", 7)).join().unwrap());
            Ok(())
        };
        // (The tests are threads of one process, and another may panic on purpose at the same moment.)
        for work in [in_a_thread as fn() -> Result<()>, || panic!("on purpose {}", 7)] {
            let said: Vec<Error> = (0..20).map(|_| caught(work).unwrap_err()).collect();
            assert!(said.iter().all(|error| error.kind() == Kind::Bug));
            assert!(said.iter().any(|error| error.what().contains(file!())), "{said:?}");
        }
        let error = (0..20).map(|_| caught::<()>(|| panic!("on purpose {}", 7)).unwrap_err());
        assert!(error.into_iter().any(|error| error.what().contains("on purpose 7")));
    }
}
