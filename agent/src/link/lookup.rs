//! Looks up the controller's name. The system's own look-up blocks, and cannot be called off: a name server that hangs
//! would hold a thread of those that the store needs. So it is done on a thread of its own, and one at a time: while one
//! hangs, whoever asks next waits for it, for as long as they have the patience.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// So many addresses of one name are tried.
const MOST_PER_NAME: usize = 4;

/// There is one for the whole program: the system's look-up is one, too.
static NAMES: LazyLock<Names> = LazyLock::new(Names::new);

/// The addresses of `host:port`, at most four. One that is an address already is not looked up.
///
/// # Errors
/// The system's.
pub(super) async fn lookup(address: &str) -> io::Result<Vec<SocketAddr>> {
    NAMES
        .find(address, |address| Ok(address.to_socket_addrs()?.take(MOST_PER_NAME).collect()))
        .await
}

struct Names {
    turn: Arc<Semaphore>,
}

impl Names {
    fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)) }
    }

    async fn find(
        &self,
        address: &str,
        system: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(literal) = address.parse() {
            return Ok(vec![literal]);
        }
        let turn = self.turn.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (tell, told) = oneshot::channel();
        let address = address.to_owned();
        thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            // Whoever asked may have lost patience.
            let _ = tell.send(system(&address));
            drop(turn);
        })?;
        told.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt as _;

    use super::*;

    fn here(_: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![([127, 0, 0, 1], 1).into()])
    }

    #[test]
    fn a_name_server_that_hangs_holds_one_thread_and_none_of_the_stores() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
        runtime.unwrap().block_on(async {
            let names = Names::new();
            let (release, hangs) = mpsc::channel::<()>();
            let hanging = move |address: &str| {
                let _ = hangs.recv();
                here(address)
            };
            let mut first = Box::pin(names.find("controller.example:7443", hanging));
            assert!((&mut first).now_or_never().is_none());
            // Impatient callers pile up nothing.
            for _ in 0..100 {
                assert!(names.find("controller.example:7443", here).now_or_never().is_none());
            }
            assert_eq!(names.turn.available_permits(), 0);
            assert_eq!(names.find("127.0.0.1:9", here).await.unwrap()[0].port(), 9);
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            drop(release);
            assert_eq!(first.await.unwrap().len(), 1);
            assert_eq!(names.find("controller.example:7443", here).await.unwrap().len(), 1);
        });
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_told_in_the_systems_words() {
        assert!(lookup("no port").await.is_err());
        let found = lookup("localhost:7443").await.unwrap();
        assert!(found.iter().all(|one| one.ip().is_loopback() && one.port() == 7443));
    }
}
