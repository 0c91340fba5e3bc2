//! One connection, ever: the layer around reqwest's connector that lets it connect once.
//!
//! The pool beneath reqwest races a new connection against the idle one on its way back, so that a second connection
//! is opened now and then although nobody needs it. Small embedded servers suffer from that. The gate keeps the second
//! one waiting, without a packet sent, while the pool waits for the first; whoever comes first serves the request. Only
//! when the first does not come back, because the device closed it without a word, does the second one fail.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tower::{BoxError, Layer, Service};

/// Lets one connection through. A client whose connection is gone is replaced together with its gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<State>);

#[derive(Debug, Default)]
struct State {
    used: AtomicBool,
    served: Notify,
}

/// How long a busy connection is waited for. It takes microseconds to come back, if it does.
const PATIENCE: Duration = Duration::from_millis(50);

/// The one connection did not come back, and there is no second. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("the one connection to this device is gone")]
pub struct Shut;

impl Gate {
    /// Whether the connection was asked for.
    pub fn used(&self) -> bool {
        self.0.used.load(Ordering::Acquire)
    }

    /// Sends those away who wait although the request was served.
    pub fn served(&self) {
        self.0.served.notify_waiters();
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

/// A connector behind a gate.
#[derive(Clone, Debug)]
pub struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S, R> Service<R> for Gated<S>
where
    S: Service<R, Error = BoxError>,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let state = self.gate.0.clone();
        if state.used.swap(true, Ordering::AcqRel) {
            return Box::pin(async move {
                let _ = tokio::time::timeout(PATIENCE, state.served.notified()).await;
                Err(BoxError::from(Shut))
            });
        }
        Box::pin(self.inner.call(request))
    }
}
