//! The local socket: HTTP/1 on a Unix socket, so that curl and collectors on this machine can ask how the controller is
//! doing: `/health` and `/metrics`. It only answers; nothing can be changed through it, and it tells no secret and no
//! name of a site. Callers are few at a time and have little time.

mod health;
mod metrics;
mod socket;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::service::Service;

pub use socket::{Socket, SocketError};

/// So many callers are answered at the same time.
const CALLERS: usize = 8;
/// One caller has so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a request's head that are read.
const HEAD: usize = 8 << 10;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Answers until it is stopped.
pub async fn serve(socket: Socket, service: Arc<Service>, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CALLERS));
    loop {
        let next = async {
            let seat = seats.clone().acquire_owned().await.expect("nobody closes it");
            (seat, socket.next().await)
        };
        let (seat, caller) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => return,
        };
        let service = service.clone();
        tokio::spawn(async move {
            // Whoever is not answered by then asks again.
            let _ = timeout(PATIENCE, answer(caller, service)).await;
            drop(seat);
        });
    }
}

async fn answer(caller: UnixStream, service: Arc<Service>) {
    let service = service_fn(|request: Request<Incoming>| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(reply(&request, &service).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(caller), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a caller of the local socket was not answered");
    }
}

async fn reply(request: &Request<Incoming>, service: &Service) -> Response<String> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => {
            let health = service.health().await;
            let status = match health.is_ready() {
                true => StatusCode::OK,
                false => StatusCode::SERVICE_UNAVAILABLE,
            };
            response(status, JSON, health::text(service, health))
        }
        (&Method::GET, "/metrics") => match service.vitals().await {
            Ok(vitals) => {
                response(StatusCode::OK, OPEN_METRICS, metrics::text(&vitals, &service.meters))
            }
            Err(error) => {
                let error = crate::service::background::chain(&error);
                tracing::error!(error, "the metrics could not be put together");
                plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
            }
        },
        (&Method::GET, _) => plain(StatusCode::NOT_FOUND, "there is /health and /metrics\n"),
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<String> {
    response(status, PLAIN, text.to_owned())
}

fn response(status: StatusCode, kind: HeaderValue, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
