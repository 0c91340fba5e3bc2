//! What each path answers, once the request was let in.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::device::Device;
use super::faults::Fault;
use super::http::{Request, Response};
use super::memory::Memory;
use super::spec::Line;
use super::weblog::escape;
use super::{media, mishap, remoteconfig};

/// Answers a request that passed the access lists.
pub fn answer(device: &Device, memory: &mut Memory, request: &Request) -> Response {
    match request.path.as_str() {
        "/" => entry(memory),
        "/robots.txt" => robots(memory),
        "/admin/remoteconfig" if request.method == "POST" => {
            if mishap::writes(request) {
                device.tally.writes.fetch_add(1, Ordering::Relaxed);
            }
            remoteconfig::run(memory, device.spec.line, &request.body)
        }
        "/admin/rcontrol" => admin_action(memory, request),
        "/control/rcontrol" => user_action(device, memory, request),
        "/admin/webserverlog" => Response::html(200, memory.log.page(device.now())),
        "/control/camerainfo" if request.query == "text" => Response::text(format!(
            "Model MOBOTIX {}\nSoftware {}\nIllumination 120 Lux\n",
            device.spec.line.model(),
            memory.firmware()
        )),
        "/control/userimage.html" | "/cgi-bin/guestimage.html" | "/control/camerainfo" => {
            page(device, "Show Camera info")
        }
        "/admin/index.html" | "/admin/access" | "/control/player" | "/control/multiview"
        | "/control/pda" | "/help/help" => page(device, "MOBOTIX"),
        "/cgi-bin/image.jpg"
        | "/control/event.jpg"
        | "/record/current.jpg"
        | "/control/faststream.jpg" => Response::new(200, "image/jpeg", picture(device)),
        "/control/control" | "/admin/control" => settings(memory, request),
        "/config/camera/media" if device.spec.line == Line::Mobotix7 => {
            let faults = Arc::clone(&memory.faults);
            media::answer(&mut memory.slot, request, &faults)
        }
        _ => Response::html(404, "<html><body>404 Not Found</body></html>"),
    }
}

/// What another vendor's camera answers, whatever it is asked: the signs of [`Fault::OtherProduct`].
pub fn other_product(request: &Request) -> Response {
    if request.path == "/" {
        return Response::html(200, "<html><title>Network Camera</title><body>IPCAM</body></html>");
    }
    let mut response = Response::html(401, "<html><body>Unauthorized</body></html>");
    response.fields.push((
        "WWW-Authenticate",
        "Digest realm=\"IPCAM\", nonce=\"a1b2c3\", qop=\"auth\"".into(),
    ));
    response
}

/// A picture: nothing but a comment between start and end, which no viewer shows and every reader of comments reads.
fn picture(device: &Device) -> Vec<u8> {
    // INVENTED: the number of the picture.
    let number = device.tally.frames.fetch_add(1, Ordering::Relaxed);
    let comment = format!(
        "#:M1IMG\nMXF\nSECTION IMAGE\nPRD=MOBOTIX\nNAM={}\nFRM={number}\nENDSECTION IMAGE\n",
        device.spec.name
    );
    let comment = comment.get(..comment.len().min(60_000)).unwrap_or_default();
    let length = u16::try_from(comment.len() + 2).unwrap_or(2).to_be_bytes();
    [&[0xff, 0xd8, 0xff, 0xfe][..], &length, comment.as_bytes(), &[0xff, 0xd9]].concat()
}

fn entry(memory: &Memory) -> Response {
    let guest = memory.ram.value("homepage", "ENTRYPAGE").as_deref() == Some("guestimage");
    let location = if guest { "/cgi-bin/guestimage.html" } else { "/control/userimage.html" };
    let mut response = Response::html(302, "<html><body>302 Found</body></html>");
    response.fields.push(("Location", location.to_owned()));
    response
}

/// INVENTED: the text of both forms, and that a missing key means forbidden, as guide measure 9
/// shows it.
fn robots(memory: &Memory) -> Response {
    let allowed = memory.ram.value("homepage", "ROBOTS_TXT_MODE").as_deref() == Some("allowed");
    Response::text(if allowed {
        "User-agent: *\nDisallow:\n"
    } else {
        "User-agent: *\nDisallow: /\n"
    })
}

/// Says OK to anything, as real cameras do. Known is `OK - Reboot`; the rest is INVENTED.
fn admin_action(memory: &mut Memory, request: &Request) -> Response {
    let lies = |fault| memory.faults.has(&request.path, fault);
    match request.parameter("action").unwrap_or_default().to_ascii_lowercase().as_str() {
        "reboot" => {
            let mut response = Response::text("OK - Reboot\n");
            response.reboots = !lies(Fault::Lies);
            response
        }
        "storeconfig" => {
            if !lies(Fault::Lies) && !lies(Fault::ForgetsOnStore) {
                memory.flash = memory.ram.clone();
            }
            Response::text("OK\n")
        }
        _ => Response::text("OK\n"),
    }
}

fn user_action(device: &Device, memory: &Memory, request: &Request) -> Response {
    if request.parameter("action").as_deref() != Some("gettext") {
        return Response::text("OK\n");
    }
    let text = request.parameter("message").unwrap_or_default();
    let text = text
        .replace("$(id.nam)", &device.spec.name)
        .replace("$(id.et0)", &device.factory_address.to_string())
        .replace("$(fpr.prd)", &format!("MOBOTIX {}", device.spec.line.model()))
        .replace("$(id.swv)", &memory.firmware())
        .replace("$(fpr.timestamp)", &device.now().to_string());
    Response::text(format!("{text}\n"))
}

/// `?list` and `?read&section=NAME`; everything else is answered OK and not done.
fn settings(memory: &Memory, request: &Request) -> Response {
    let section = request.parameter("section").unwrap_or_default();
    let first = request.query.split('&').next().unwrap_or_default();
    match first {
        "read" => Response::text(memory.ram.lines(&section).join("\n") + "\n"),
        "list" if !section.is_empty() => {
            let rows = memory.ram.lines(&section);
            let rows: String = rows.iter().map(|row| format!("<li>{}\n", escape(row))).collect();
            Response::html(200, format!("<html><body>MOBOTIX<ul>{rows}</ul></body></html>\n"))
        }
        "list" => {
            let rows: String =
                memory.ram.names().map(|name| format!("<li>{}\n", escape(name))).collect();
            Response::html(200, format!("<html><body>MOBOTIX<ul>{rows}</ul></body></html>\n"))
        }
        _ => Response::text("OK\n"),
    }
}

fn page(device: &Device, title: &str) -> Response {
    Response::html(
        200,
        Bytes::from(format!(
            "<html><head><title>{name}</title>\n<meta name=\"publisher\" content=\"MOBOTIX AG, Germany\"></head>\n\
             <body><a href=\"/control/camerainfo\" title='{title}'><b>MOBOTIX {model}</b></a> {address}</body></html>\n",
            name = escape(&device.spec.name),
            model = device.spec.line.model(),
            address = device.factory_address,
        )),
    )
}
