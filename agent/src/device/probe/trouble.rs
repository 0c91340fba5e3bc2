//! Why a TLS handshake failed, by what may be concluded from it.

use std::fmt;
use std::io;

use certs::tls::{WrongPin, wrong_pin};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use crate::device::Fault;

/// Why a TLS handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The device has nothing in common with TLS 1.2 or 1.3 and safe ciphers: what it said.
    Legacy(String),
    /// It would not go on, and did not say that versions are why.
    Declined(String),
    /// Something that is not TLS came back.
    NotTls(String),
    /// Another certificate than the one pinned.
    WrongPin(WrongPin),
    /// The certificate or the signature of the handshake does not hold.
    Unproven(String),
    /// It broke off.
    Broken(String),
}

impl Trouble {
    /// Classes an error of rustls.
    pub fn of(error: &Error) -> Self {
        use AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
        if let Some(wrong) = wrong_pin(error) {
            return Self::WrongPin(wrong);
        }
        match error {
            Error::PeerIncompatible(reason) => {
                Self::Legacy(format!("it answered ours so: {reason:?}"))
            }
            Error::AlertReceived(alert @ ProtocolVersion) => {
                Self::Legacy(format!("it refused ours with the alert {alert:?}"))
            }
            Error::AlertReceived(alert @ (HandshakeFailure | InsufficientSecurity)) => {
                Self::Declined(format!("it refused ours with the alert {alert:?}"))
            }
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload,
            ) => Self::NotTls("what came back is not TLS".to_owned()),
            Error::InvalidCertificate(
                CertificateError::BadEncoding | CertificateError::BadSignature,
            ) => Self::Unproven(
                "the device did not prove that it has its certificate's key".to_owned(),
            ),
            Error::InvalidCertificate(reason) => {
                Self::Unproven(format!("its certificate cannot be used ({reason:?})"))
            }
            other => Self::Broken(proto::text::printable(&other.to_string(), 200)),
        }
    }

    /// Classes what reading or writing a TLS stream came to.
    pub fn of_io(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        inner.map_or_else(
            || {
                Self::Broken(format!(
                    "the connection broke off in the TLS handshake ({})",
                    error.kind()
                ))
            },
            Self::of,
        )
    }

    /// The fault it is for somebody who wants to speak to the device.
    pub fn fault(self, doing: &str) -> Fault {
        match self {
            Self::Legacy(reason) => Fault::Unsupported(format!(
                "{doing}: the device speaks only TLS older than 1.2, or none of the ciphers that are still safe ({reason}); \
                 credentials were not sent. Update its firmware, or audit its exported configuration"
            )),
            Self::Declined(reason) => Fault::Unsupported(format!(
                "{doing}: the device would not speak TLS 1.2 or 1.3 with us ({reason}), as one does whose versions or \
                 ciphers are too old; credentials were not sent. Update its firmware, or audit its exported configuration"
            )),
            Self::NotTls(reason) => Fault::Unsupported(format!(
                "{doing}: {reason}; credentials were not sent. This port does not speak HTTPS: check it, or write http://"
            )),
            Self::WrongPin(wrong) => Fault::Refused(format!(
                "{doing}: {wrong}; credentials were not sent. If the certificate was replaced on purpose, give the new \
                 pin; if not, somebody else may be answering"
            )),
            Self::Unproven(reason) => Fault::Unsupported(format!(
                "{doing}: {reason}; credentials were not sent. Install a certificate with a key of at least RSA 2048 \
                 or P-256, or audit the exported configuration"
            )),
            Self::Broken(reason) => Fault::Unreachable(format!(
                "{doing}: {reason}; credentials were not sent. Check the port, and try again later"
            )),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Legacy(reason) => {
                write!(out, "the device offers no TLS that is still safe: {reason}")
            }
            Self::Declined(reason) => {
                write!(out, "the device would not speak TLS 1.2 or 1.3 with us: {reason}")
            }
            Self::WrongPin(wrong) => wrong.fmt(out),
            Self::NotTls(reason) | Self::Unproven(reason) | Self::Broken(reason) => {
                out.write_str(reason)
            }
        }
    }
}
