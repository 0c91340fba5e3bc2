//! Whether somebody on the network is a MOBOTIX camera, by what its web server shows to everybody: two questions at
//! most, one connection, no credentials.

use std::net::SocketAddr;

use proto::Evidence;
use proto::text::printable;
use reqwest::header::LOCATION;

use super::identify;
use crate::device::http::{Ask, Browser, Reply};
use crate::device::{Address, Fault, Limits};

/// A page that a camera shows to administrators only: it answers with its realm.
const GUARDED: &str = "/admin/index.html";

/// The signs by which what answers at `at` is a MOBOTIX camera; none if it shows none.
///
/// # Errors
/// Nobody answers there, or not in HTTP.
pub async fn recognise(
    address: Address,
    at: SocketAddr,
    limits: Limits,
) -> Result<Vec<Evidence>, Fault> {
    let mut browser = Browser::new(address, at, None, limits);
    let first = browser.ask(Ask::get("/")).await?;
    let mut signs: Vec<_> = realm(&first, "/").into_iter().collect();
    if identify::start_page(first.header(LOCATION), &first.body) {
        let text = "shows the start page of a MOBOTIX camera".to_owned();
        signs.push(Evidence { source: "GET /".to_owned(), text });
    }
    if signs.is_empty() {
        let guarded = browser.ask(Ask::get(GUARDED)).await?;
        signs.extend(realm(&guarded, GUARDED));
    }
    browser.hang_up().await;
    Ok(signs)
}

fn realm(reply: &Reply, path: &str) -> Option<Evidence> {
    let challenges = reply.challenges();
    let realm = challenges.realms().find(|realm| identify::realm(realm))?;
    let text = format!("asks for a login to {:?}", printable(realm, 60));
    Some(Evidence { source: format!("GET {path}"), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::testing::{self, Act, Server, answer};

    const CHALLENGE: &str = "WWW-Authenticate: Basic realm=\"MOBOTIX Camera User\"\r\n";

    async fn ask(server: &Server) -> Vec<Evidence> {
        let target = testing::target(server, false);
        recognise(target.address, server.at, testing::limits()).await.unwrap()
    }

    #[tokio::test]
    async fn a_start_page_or_a_realm_gives_a_camera_away_without_credentials() {
        let start = testing::serve(|_| {
            Act::Keep(answer("302 Found", "Location: /control/userimage.html\r\n", ""))
        })
        .await;
        assert_eq!(ask(&start).await.len(), 1);
        assert_eq!(start.whats(), ["GET /"]);
        let guarded = testing::serve(|request| match request.what().as_str() {
            "GET /" => Act::Keep(answer("200 OK", "", "<html>")),
            _ => Act::Keep(answer("401 Unauthorized", CHALLENGE, "")),
        })
        .await;
        assert_eq!(ask(&guarded).await[0].source, "GET /admin/index.html");
        let sent = guarded.requests();
        assert!(sent.iter().all(|request| request.authorization().is_none()));
        assert_eq!((sent.len(), guarded.connections()), (2, 1));
    }

    #[tokio::test]
    async fn somebody_else_shows_no_sign() {
        let other = testing::serve(|_| {
            let headers = "Server: thttpd/2.19-MX\r\nWWW-Authenticate: Basic realm=\"JetPort\"\r\n";
            Act::Keep(answer("401 Unauthorized", headers, ""))
        })
        .await;
        assert_eq!(ask(&other).await, []);
    }
}
