//! The configuration in a remote answer, read off the runtime.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::super::export::{self, Export};
use super::super::{Dialects, identify};
use crate::device::Fault;

/// Configurations that are read at once: it is slow where hashes are reckoned, and each holds a whole file.
static DESK: Semaphore = Semaphore::const_new(2);

/// Off the runtime, since hashes are reckoned; a few at a time, since each holds a whole configuration.
pub async fn read(body: Vec<u8>, dialects: &Arc<Dialects>) -> Result<Export, Fault> {
    let dialects = dialects.clone();
    let _place = DESK.acquire().await;
    let reading = tokio::task::spawn_blocking(move || export::read(unframe(&body)?, &dialects));
    reading.await.unwrap_or_else(|_| {
        Err(Fault::Nonsense(
            "reading the camera's configuration: it cannot be understood".to_owned(),
        ))
    })
}

/// The configuration in a remote answer: without its first four and last three lines.
fn unframe(body: &[u8]) -> Result<&[u8], Fault> {
    if !identify::remote_answer(body) {
        return Err(Fault::Nonsense(
            "reading the camera's configuration: what came back does not begin with #read::; check that the address \
             leads to the camera itself and not to a proxy or a portal"
                .to_owned(),
        ));
    }
    let ends: Vec<usize> =
        body.iter().enumerate().filter(|(_, c)| **c == b'\n').map(|(at, _)| at + 1).collect();
    let whole = body.ends_with(b"\n");
    let last = ends.len().checked_sub(if whole { 4 } else { 3 });
    let inner = ends.get(3).zip(last.and_then(|last| ends.get(last)));
    inner.and_then(|(start, end)| body.get(*start..*end)).ok_or_else(|| {
        Fault::Nonsense(
            "reading the camera's configuration: the answer was cut off; try again".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_go_before_the_configuration_and_three_behind_it() {
        let whole = b"#read::\n2\n3\n4\nSECTION a\nENDSECTION a\nx\ny\nz\n";
        let inner: &[u8] = b"SECTION a\nENDSECTION a\n";
        assert_eq!(unframe(whole), Ok(inner));
        assert_eq!(unframe(whole.strip_suffix(b"\n").unwrap()), Ok(inner));
    }

    #[test]
    fn an_answer_that_is_cut_off_or_something_else_is_told() {
        for cut in ["#read::", "#read::\n", "#read::\n2\n3\n4\n", "#read::\n2\n3\n4\n5\n6\n"] {
            assert!(matches!(unframe(cut.as_bytes()), Err(Fault::Nonsense(_))), "{cut:?}");
        }
        let page = unframe(b"<html>").unwrap_err().to_string();
        assert!(page.contains("#read::"), "{page}");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic(text in "(#read::)?(\n|x|\r){0,20}") {
            let _ = unframe(text.as_bytes());
        }
    }
}
