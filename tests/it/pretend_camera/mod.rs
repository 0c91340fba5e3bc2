//! The pretend camera, looked at from outside by a client that shares no code with it.

mod client;
mod counts;
mod faults;
mod fleet;
mod login;
mod memory;

use tests::devices::mobotix::{Camera, Line, Spec, configs};

/// The factory login.
const FACTORY: (&str, &str) = ("admin", configs::FACTORY_PASSWORD);

/// A P3 camera with the factory configuration.
async fn factory() -> Camera {
    start(Spec::new(Line::P3, "yard")).await
}

/// A hardened camera of that line, which still takes Basic so that a simple client can log in.
async fn hardened(line: Line) -> Camera {
    let config = configs::hardened(line, "10.12.1.7".parse().unwrap());
    let text = String::from_utf8(config).unwrap().replace("AUTHTYPE=digest", "AUTHTYPE=auto");
    start(Spec { config: Some(text.into_bytes()), ..Spec::new(line, "yard") }).await
}

async fn start(spec: Spec) -> Camera {
    Camera::start(spec).await.unwrap()
}

/// The same from another address of this machine.
pub async fn configure_from(from: &str, camera: &Camera, body: &str) -> String {
    client::Client::http_from(from, camera.http_address()).await.configure(FACTORY, body).await
}

/// Somebody with the factory login has the remote configuration do something.
pub async fn configure(camera: &Camera, body: &str) -> String {
    client::Client::http(camera.http_address()).await.configure(FACTORY, body).await
}
