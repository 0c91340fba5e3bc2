//! The camera's own HTTP/1.1: just enough to read requests and write answers. No framework, because a framework
//! would not misbehave on request.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest request head, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// Largest request body, in bytes; a whole configuration fits.
const MAX_BODY: usize = 1 << 20;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, still percent-encoded, without the query.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// The request target as it was sent.
    pub target: String,
    /// Whether the connection stays open after the answer.
    pub keep_alive: bool,
    /// The header fields, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header field of that name, which must be in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query, percent-decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(key, _)| *key == name)?.1;
        Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Further header fields.
    pub fields: Vec<(&'static str, String)>,
    /// The body, in pieces that are sent one after the other.
    pub body: Vec<Bytes>,
    /// Whether the camera reboots once this is sent.
    pub reboots: bool,
}

impl Response {
    /// An answer of that type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, fields: vec![], body: vec![body.into()], reboots: false }
    }

    /// An HTML page.
    pub fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/html", body)
    }

    /// Plain text with status 200.
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self::new(200, "text/plain", body)
    }

    /// Length of the body in bytes.
    pub fn length(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// Writes the head. `length` is what `Content-Length` claims; `None` leaves the field out.
    pub fn head(&self, out: &mut Vec<u8>, date: &str, length: Option<u64>, keep_alive: bool) {
        let reason = match self.status {
            200 => "OK",
            302 => "Found",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            411 => "Length Required",
            413 => "Payload Too Large",
            500 => "Internal Server Error",
            _ => "Unknown",
        };
        let mut head = format!(
            "HTTP/1.1 {} {reason}\r\nDate: {date}\r\nContent-Type: {}\r\n",
            self.status, self.content_type
        );
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str(if keep_alive {
            "Connection: keep-alive\r\n\r\n"
        } else {
            "Connection: close\r\n\r\n"
        });
        out.extend_from_slice(head.as_bytes());
    }

    /// Sends head and body, small ones in one piece.
    ///
    /// # Errors
    /// Whatever the connection says.
    pub async fn send(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        buffer: &mut Vec<u8>,
        date: &str,
        keep_alive: bool,
    ) -> std::io::Result<()> {
        buffer.clear();
        self.head(buffer, date, Some(self.length() as u64), keep_alive);
        for piece in &self.body {
            if buffer.len() + piece.len() <= MAX_HEAD {
                buffer.extend_from_slice(piece);
                continue;
            }
            stream.write_all(buffer).await?;
            buffer.clear();
            stream.write_all(piece).await?;
        }
        stream.write_all(buffer).await?;
        stream.flush().await
    }
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A whole request.
    Request(Box<Request>),
    /// The other side is gone, or went silent in the middle.
    Closed,
    /// Something that must be answered with this status and a closed connection.
    Bad(u16),
}

/// Reads requests from one connection. What was read too far is kept for the next one.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// Reads the next request.
    ///
    /// # Errors
    /// Whatever the connection says.
    pub async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<Incoming> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if self.buffer.len() > MAX_HEAD {
                return Ok(Incoming::Bad(413));
            }
            if !self.fill(stream).await? {
                return Ok(Incoming::Closed);
            }
        };
        let Some(mut request) = parse_head(&self.buffer[..end]) else {
            return Ok(Incoming::Bad(400));
        };
        self.buffer.drain(..end + 4);
        if request.field("transfer-encoding").is_some() {
            return Ok(Incoming::Bad(411));
        }
        let length = request.field("content-length").map_or(Some(0), |text| text.parse().ok());
        let Some(length) = length.filter(|length| *length <= MAX_BODY) else {
            return Ok(Incoming::Bad(413));
        };
        while self.buffer.len() < length {
            if !self.fill(stream).await? {
                return Ok(Incoming::Closed);
            }
        }
        request.body = self.buffer.drain(..length).collect();
        Ok(Incoming::Request(Box::new(request)))
    }

    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<bool> {
        let mut piece = [0; 2048];
        let read = stream.read(&mut piece).await?;
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(read > 0)
    }
}

fn parse_head(head: &[u8]) -> Option<Request> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.trim_start().split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target, version) = (first.next()?, first.next()?, first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = lines
        .map(|line| line.split_once(':'))
        .map(|field| field.map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned())))
        .collect::<Option<Vec<_>>>()?;
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        target: target.to_owned(),
        keep_alive: version == "HTTP/1.1",
        fields,
        body: Vec::new(),
    };
    match request.field("connection").map(str::to_ascii_lowercase).as_deref() {
        Some("close") => request.keep_alive = false,
        Some("keep-alive") => request.keep_alive = true,
        Some(_) | None => {}
    }
    let known = matches!(method, "GET" | "POST") && version.starts_with("HTTP/1.");
    known.then_some(request)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, text in "(GET|POST|HEAD) [ -~]{0,30} HTTP/1.[01](\r\n[ -~]{0,20}){0,4}") {
            let _ = parse_head(&bytes);
            if let Some(request) = parse_head(text.as_bytes()) {
                let _ = request.parameter("file");
            }
        }
    }

    #[test]
    fn a_head_is_read() {
        let head = b"GET /control/rcontrol?action=gettext&message=%24(id.swv) HTTP/1.1\r\nHost: x\r\nConnection: Close";
        let request = parse_head(head).unwrap();
        assert_eq!(request.path, "/control/rcontrol");
        assert_eq!(request.parameter("message").as_deref(), Some("$(id.swv)"));
        assert_eq!(request.field("host"), Some("x"));
        assert!(!request.keep_alive);
        assert!(parse_head(b"SSH-2.0-x").is_none());
    }
}
