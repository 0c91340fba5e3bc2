//! The local status socket: HTTP/1 on a Unix socket, so that curl, collectors and `palisade-agent status` can ask. It
//! only answers; nothing can be changed through it. Callers are few at a time and have little time.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::metrics;

/// So many callers are answered at the same time.
const CALLERS: usize = 8;
/// One caller has so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a request's head that are read.
const HEAD: usize = 8 << 10;
/// Its owner and group may ask.
const MODE: u32 = 0o660;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the status socket {} cannot be opened: {source}", path.display())]
pub struct SocketError {
    path: PathBuf,
    source: io::Error,
}

/// An open socket; its file goes when it is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// Opens it. A socket that an earlier run left is replaced; anything else in its place is not ours to remove.
pub(super) async fn open(path: &Path) -> Result<Socket, SocketError> {
    let bind = || {
        if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        Ok(listener)
    };
    let failed = |source| SocketError { path: path.to_owned(), source };
    Ok(Socket { listener: bind().map_err(failed)?, path: path.to_owned() })
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever finds a socket that nobody answers on replaces it.
        let _ = fs::remove_file(&self.path);
    }
}

impl Socket {
    /// Answers until told to stop.
    pub async fn serve(self, board: &Arc<Board>, stop: &CancellationToken) {
        let (seats, callers) = (Arc::new(Semaphore::new(CALLERS)), TaskTracker::new());
        loop {
            let seat = seats.clone().acquire_owned().await.expect("nobody closes it");
            let taken = tokio::select! {
                taken = self.listener.accept() => taken,
                () = stop.cancelled() => break,
            };
            match taken {
                Ok((caller, _)) => {
                    let board = board.clone();
                    callers.spawn(async move {
                        let _ = timeout(PATIENCE, answer(caller, board)).await;
                        drop(seat);
                    });
                }
                // Out of descriptors, most likely: it passes.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
        callers.close();
        let _ = timeout(Duration::from_secs(1), callers.wait()).await;
    }
}

async fn answer(caller: UnixStream, board: Arc<Board>) {
    let service = service_fn(|request: Request<Incoming>| {
        let board = board.clone();
        async move { Ok::<_, Infallible>(reply(&request, &board).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(caller), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a caller of the status socket was not answered");
    }
}

async fn reply(request: &Request<Incoming>, board: &Board) -> Response<Text> {
    let (kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/status") => {
            let status = serde_json::to_string(&board.status().await);
            ("application/json", status.expect("plain fields always become JSON"))
        }
        (&Method::GET, "/metrics") => (OPEN_METRICS, metrics::text(&board.status().await)),
        (&Method::GET, _) => {
            return plain(StatusCode::NOT_FOUND, "there is /status and /metrics\n");
        }
        _ => return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n"),
    };
    let mut response = Response::new(Text::from(text));
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("a plain word"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Text> {
    let mut response = Response::new(Text::from(text.to_owned()));
    *response.status_mut() = status;
    response
}

/// A body that is there already.
#[derive(Debug)]
struct Text(Option<Bytes>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Some(Bytes::from(text)))
    }
}

impl Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}
