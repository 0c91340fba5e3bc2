//! What other rooms are about to bring.

use certs::SharedClock;
use tokio_util::sync::CancellationToken;

use super::stop::Stop;
use crate::config::Config;

fn missing() -> Stop {
    Stop::Failed("this part is not there yet".to_owned())
}

/// `api::serve`
pub async fn serve(_: Config, _: SharedClock, _: CancellationToken) -> Result<(), Stop> {
    Err(missing())
}
