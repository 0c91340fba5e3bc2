//! How an answer goes out: as it is, or as the camera's faults make it.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::device::Device;
use super::faults::{BOMB_MORE, BOMB_START, Fault, Faults};
use super::http::{Request, Response};

/// Sends an answer, or what the faults make of it. Whether the connection stays open.
///
/// # Errors
/// Whatever the connection says.
pub async fn send(
    device: &Device,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
    request: &Request,
    response: Response,
) -> io::Result<bool> {
    let (faults, date) = (device.faults(), device.date());
    let keep_alive = request.keep_alive && !faults.has(&request.path, Fault::CloseEachTime);
    let response = rewrite(&faults, request, response);
    match faults.at(&request.path).find(|fault| spoils_the_wire(*fault)) {
        Some(fault) => spoil(stream, fault, &date, keep_alive, response).await,
        None => response.send(stream, buffer, &date, keep_alive).await.map(|()| keep_alive),
    }
}

/// The faults that change what an answer says.
fn rewrite(faults: &Faults, request: &Request, response: Response) -> Response {
    let html =
        |status, text: &str| Response::html(status, format!("<html><body>{text}</body></html>\n"));
    faults.at(&request.path).fold(response, |response, fault| match fault {
        Fault::HtmlPage => html(200, "Welcome"),
        Fault::ServerError => html(500, "500 Internal Server Error"),
        Fault::RedirectLoop => redirect(request),
        _ => response,
    })
}

/// Whether a fault changes the bytes sent rather than what they say.
fn spoils_the_wire(fault: Fault) -> bool {
    match fault {
        Fault::Hang
        | Fault::Drip(_)
        | Fault::EndlessBody
        | Fault::EndlessChunks
        | Fault::GzipBomb
        | Fault::LengthTooLong
        | Fault::LengthTooShort
        | Fault::Garbage => true,
        Fault::HtmlPage
        | Fault::RedirectLoop
        | Fault::ServerError
        | Fault::CloseEachTime
        | Fault::CloseIdle(_)
        | Fault::OtherProduct
        | Fault::Lies
        | Fault::ForgetsOnStore
        | Fault::Ignores(_)
        | Fault::NeverUpdates
        | Fault::Meddles
        | Fault::MisreadsAddressList
        | Fault::LosesMovedPorts
        | Fault::LosesLogins
        | Fault::LosesReplies
        | Fault::ComesLate
        | Fault::RebootsTooSoon
        | Fault::CallsNoncesStale
        | Fault::IgnoresCertificates
        | Fault::FailsOnCertificates
        | Fault::HalfHandshake
        | Fault::Tls10Hello
        | Fault::ProtocolVersionAlert => false,
    }
}

async fn spoil(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    fault: Fault,
    date: &str,
    keep_alive: bool,
    mut response: Response,
) -> io::Result<bool> {
    let mut head = Vec::new();
    let length = response.length() as u64;
    match fault {
        Fault::Hang => {
            let mut rest = [0; 256];
            while stream.read(&mut rest).await? > 0 {}
        }
        Fault::Drip(interval) => {
            let mut whole = Vec::new();
            response.send(&mut whole, &mut head, date, keep_alive).await?;
            for byte in whole {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(interval).await;
            }
            return Ok(keep_alive);
        }
        Fault::EndlessBody => {
            response.head(&mut head, date, Some(10_000_000_000), keep_alive);
            stream.write_all(&head).await?;
            pour(stream, &[b'#'; 16 << 10]).await?;
        }
        Fault::EndlessChunks => {
            response.fields.push(("Transfer-Encoding", "chunked".to_owned()));
            response.head(&mut head, date, None, keep_alive);
            stream.write_all(&head).await?;
            pour(stream, &[b"4000\r\n".as_slice(), &[b'#'; 0x4000], b"\r\n"].concat()).await?;
        }
        Fault::GzipBomb => {
            response.fields.push(("Content-Encoding", "gzip".to_owned()));
            response.head(&mut head, date, None, false);
            head.extend_from_slice(&BOMB_START);
            stream.write_all(&head).await?;
            pour(stream, &BOMB_MORE.repeat(1000)).await?;
        }
        Fault::LengthTooLong => {
            response.head(&mut head, date, Some(length + 100), keep_alive);
            write_body(stream, &head, &response).await?;
        }
        Fault::LengthTooShort => {
            response.head(&mut head, date, Some(length / 2), keep_alive);
            write_body(stream, &head, &response).await?;
            return Ok(keep_alive);
        }
        _ => stream.write_all(b"\x00\xffSSH-2.0-dropbear\r\n\r\n").await?,
    }
    Ok(false)
}

/// To the same path and the next hop, so that a fault confined to a path keeps its victim.
fn redirect(request: &Request) -> Response {
    let hop: u64 = request.parameter("hop").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut response = Response::html(302, Bytes::new());
    response.fields.push(("Location", format!("{}?hop={}", request.path, hop.saturating_add(1))));
    response
}

async fn write_body(
    stream: &mut (impl AsyncWrite + Unpin),
    head: &[u8],
    response: &Response,
) -> io::Result<()> {
    stream.write_all(head).await?;
    for piece in &response.body {
        stream.write_all(piece).await?;
    }
    stream.flush().await
}

/// Writes the same again until the client has had enough.
async fn pour(stream: &mut (impl AsyncWrite + Unpin), piece: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(piece).await?;
        tokio::task::yield_now().await;
    }
}
