//! The file store of a MOBOTIX 7, as one public client was seen to use it. Its parser is strict, and passes over a
//! mistake without a word: the boundary unquoted, lines that end in CRLF, an empty line before the content, the closing
//! boundary. So what was uploaded is read back before anything depends on it.

use certs::Pin;
use zeroize::Zeroizing;

use super::inside::Inside;
use crate::device::http::Ask;
use crate::rotate::hands::Trouble;

/// Where files go.
const STORE: &str = "/config/camera/media";
/// Where the certificate is read back.
const SLOT: &str = "/config/camera/media?file=httpd_cert.pem";
/// What stands between the parts. No line of a PEM text is like it.
const BOUNDARY: &str = "palisade-media-9c1e5b7d40f2";

/// A file of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The key of the web server.
    Key,
    /// Its certificate.
    Certificate,
}

impl File {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "httpd_privkey.pem",
            Self::Certificate => "httpd_cert.pem",
        }
    }
}

impl Inside {
    /// Uploads a file. That it was taken is not known from the answer.
    ///
    /// # Errors
    /// As [`Inside::ask`].
    pub async fn upload(&mut self, file: File, pem: &str) -> Result<(), Trouble> {
        let body = multipart(file, pem);
        let content = format!("multipart/form-data; boundary={BOUNDARY}");
        let reply = self.ask(Ask::post(STORE, &body).content(&content).discard()).await?;
        if reply.status == 200 { Ok(()) } else { Err(self.odd(reply.status).into()) }
    }

    /// The certificate in the slot; `None` while there is none but the factory's. The outer `None`: there is no such
    /// place.
    ///
    /// # Errors
    /// As [`Inside::ask`].
    pub async fn slot(&mut self) -> Result<Option<Option<Pin>>, Trouble> {
        let reply = self.ask(Ask::get(SLOT)).await?;
        match reply.status {
            200 => Ok(Some(first(&reply.body))),
            403 | 404 | 405 | 410 | 501 => Ok(None),
            status => Err(self.odd(status).into()),
        }
    }
}

/// One file as a form has it.
fn multipart(file: File, pem: &str) -> Zeroizing<String> {
    let name = file.name();
    let pem = pem.trim_end();
    Zeroizing::new(format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"some_file\"; filename=\"{name}\"\r\n\
         Content-Type: application/x-x509-ca-cert\r\n\r\n{pem}\n\r\n--{BOUNDARY}--\r\n"
    ))
}

/// The fingerprint of the first certificate in a PEM text.
fn first(text: &[u8]) -> Option<Pin> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(text).ok().map(|der| Pin::of(&der))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_client_that_was_seen_sends() {
        let body = multipart(File::Key, "PEM\n");
        assert_eq!(
            *body,
            "--palisade-media-9c1e5b7d40f2\r\n\
             Content-Disposition: form-data; name=\"some_file\"; filename=\"httpd_privkey.pem\"\r\n\
             Content-Type: application/x-x509-ca-cert\r\n\
             \r\n\
             PEM\n\r\n\
             --palisade-media-9c1e5b7d40f2--\r\n"
        );
    }
}
