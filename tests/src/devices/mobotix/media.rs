//! The file store of MOBOTIX 7, where the X.509 slot is filled, as public certificate tools use it. Its parser is
//! strict and a mistake is passed over without a word.

use certs::Pin;
use proto::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::faults::{Fault, Faults};
use super::http::{Request, Response};

/// The one certificate slot.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// The certificate, PEM.
    pub certificate: Option<String>,
    /// Its key, PEM.
    pub key: Option<Secret>,
}

/// Answers `GET` and `POST` on `/config/camera/media`. What was uploaded is kept over reboots at once (INVENTED: nobody
/// was seen to store it), and comes into force at the next one.
pub fn answer(slot: &mut Slot, request: &Request, faults: &Faults) -> Response {
    if request.method == "POST" {
        let has = |fault| faults.has(&request.path, fault);
        let taken = upload(request).filter(|(name, _)| {
            let passed_over = name == "httpd_cert.pem" && has(Fault::IgnoresCertificates);
            !has(Fault::Lies) && !passed_over
        });
        let is_certificate = taken.as_ref().is_some_and(|(name, _)| name == "httpd_cert.pem");
        if is_certificate && has(Fault::FailsOnCertificates) {
            return Response::html(500, "<html><body>500</body></html>");
        }
        if let Some((name, content)) = taken {
            match name.as_str() {
                "httpd_cert.pem" => slot.certificate = Some(content),
                "httpd_privkey.pem" => slot.key = Some(Secret::new(content)),
                _ => {}
            }
        }
        return Response::new(200, "application/json", "{}");
    }
    match request.parameter("file").as_deref() {
        Some("httpd_cert.pem") => Response::text(slot.certificate.clone().unwrap_or_default()),
        // INVENTED: a key is never given out again.
        Some(_) => Response::html(404, "<html><body>404 Not Found</body></html>"),
        None => Response::new(200, "application/json", listing(slot)),
    }
}

/// The listing: objects `X509Key`, `image`, `sound`. INVENTED: `sha1` is the front of a SHA-256, since
/// nothing else here needs SHA-1, and the times are nought.
fn listing(slot: &Slot) -> String {
    let entry = slot.certificate.as_ref().map(|pem| {
        let pin = Pin::of(pem.as_bytes()).to_string();
        serde_json::json!({
            "mtime": 0, "name": "httpd_cert.pem", "sha1": pin.get(7..47), "size": pem.len(), "time": "",
        })
    });
    let files: Vec<_> = entry.into_iter().collect();
    serde_json::json!({ "X509Key": files, "image": [], "sound": [] }).to_string()
}

/// Name and content of the uploaded file, or nothing at the least mistake: boundary unquoted, CRLF, field name
/// `some_file`, part type `application/x-x509-ca-cert`, an empty line before the content, the closing boundary.
fn upload(request: &Request) -> Option<(String, String)> {
    let boundary = request.field("content-type")?.strip_prefix("multipart/form-data; boundary=")?;
    if boundary.contains('"') {
        return None;
    }
    let body = std::str::from_utf8(&request.body).ok()?;
    let part = body.strip_prefix(&format!("--{boundary}\r\n"))?;
    let (part, rest) = part.split_once(&format!("\r\n--{boundary}--"))?;
    let (head, content) = part.split_once("\r\n\r\n")?;
    let name = head.lines().find_map(|line| {
        line.strip_prefix("Content-Disposition: form-data; name=\"some_file\"; filename=\"")
    })?;
    let typed = head.lines().any(|line| line == "Content-Type: application/x-x509-ca-cert");
    let name = name.strip_suffix('"').filter(|_| typed && rest.trim().is_empty())?;
    Some((name.to_owned(), content.to_owned()))
}

/// The fingerprint of the first certificate in a PEM text.
pub fn pin_of(pem: &str) -> Option<Pin> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok().map(|der| Pin::of(&der))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(slot: &mut Slot, request: &Request) -> Response {
        answer(slot, request, &Faults::none())
    }

    fn post(content_type: &str, body: &str) -> Request {
        Request {
            method: "POST".into(),
            fields: vec![("content-type".into(), content_type.into())],
            body: body.as_bytes().to_vec(),
            ..Request::default()
        }
    }

    const BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"some_file\"; filename=\"httpd_cert.pem\"\r\n\
        Content-Type: application/x-x509-ca-cert\r\n\r\nPEM\r\n--x--\r\n";

    #[test]
    fn a_strict_upload_fills_the_slot_and_a_quoted_boundary_is_passed_over() {
        let mut slot = Slot::default();
        assert_eq!(tell(&mut slot, &post("multipart/form-data; boundary=\"x\"", BODY)).status, 200);
        assert_eq!(slot.certificate, None);
        tell(
            &mut slot,
            &post("multipart/form-data; boundary=x", &BODY.replace("\r\n\r\n", "\r\n")),
        );
        assert_eq!(slot.certificate, None);
        tell(&mut slot, &post("multipart/form-data; boundary=x", BODY));
        assert_eq!(slot.certificate.as_deref(), Some("PEM"));
    }

    #[test]
    fn no_pem_comes_back_while_the_factory_certificate_is_in_use() {
        let request = Request {
            method: "GET".into(),
            query: "file=httpd_cert.pem".into(),
            ..Request::default()
        };
        assert_eq!(tell(&mut Slot::default(), &request).length(), 0);
    }
}
