//! The live camera: read over its own HTTP interface, one connection at a time.

use async_trait::async_trait;

use super::Dialects;
use crate::device::{Driver, Fault, Identity, Target};
use crate::facts::Facts;

/// A MOBOTIX camera on the network.
#[derive(Debug)]
pub struct Camera {
    target: Target,
    dialects: std::sync::Arc<Dialects>,
}

impl Camera {
    /// A camera that is looked at when asked to.
    pub fn new(target: Target, dialects: std::sync::Arc<Dialects>) -> Self {
        Self { target, dialects }
    }
}

#[async_trait]
impl Driver for Camera {
    async fn observe(&mut self) -> Result<(Identity, Facts), Fault> {
        let _ = (&self.target, &self.dialects);
        Err(Fault::Unsupported(String::new()))
    }
}
