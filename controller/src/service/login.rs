//! How a person becomes an operator's client, and stays one: a one-time code is used up for a certificate, a certificate
//! is renewed by one that is still good.

use certs::hierarchy::Issued;
use certs::key::KeyHash;
use certs::request::{self, VerifiedRequest};
use certs::ticket::secret_hash;
use certs::{Name, TrustBundle, trust};
use proto::{OperatorName, Secret};
use rustls::pki_types::CertificateDer;

use super::{OperatorPeer, Refusal, Service, Source};
use crate::store::Deed;

/// What makes somebody an operator's client.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// Who they are.
    pub operator: OperatorName,
    /// Their certificate, its issuing authority, the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// Whom they are to trust.
    pub trust: TrustBundle,
}

impl Service {
    /// Uses a code up for a certificate. The same key with the same code gets the same answer again, for as long as that
    /// certificate is good.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], when it is no request; [`Refusal::Denied`], in the same words whether the code is unknown,
    /// used or over.
    pub async fn log_in(
        &self,
        source: Source,
        code: &Secret,
        certificate_request: &[u8],
    ) -> Result<LoggedIn, Refusal> {
        let request = verified(certificate_request)?;
        let hash = secret_hash(code);
        let found = self.store.code(&hash).await?.ok_or_else(denied)?;
        let now = self.now();
        if let Some(used) = found.used {
            return self.again(found.operator, used, request.hash());
        }
        if found.expires_at <= now {
            return Err(denied());
        }
        let (issued, trust) = self.certify(&found.operator, &request)?;
        let mut change = self.store.change().await?;
        if !change.use_code(&hash, &request.hash().0, &issued.chain, now).await? {
            drop(change);
            // Somebody was faster: perhaps the same client, whose first try is still under way.
            let found = self.store.code(&hash).await?.ok_or_else(denied)?;
            let used = found.used.ok_or_else(denied)?;
            return self.again(found.operator, used, request.hash());
        }
        let (operator, end) = (found.operator, issued.not_after);
        let role = change.operator(&operator).await?.map(|known| known.role).ok_or_else(denied)?;
        if !change.certified_operator(&operator, end, trust.generation, now).await? {
            return Err(denied());
        }
        let deed = Deed {
            time: now,
            actor: Name::Operator(self.organisation.clone(), operator.clone()).to_string(),
            deed: "operator_logged_in",
            subject: operator.to_string(),
            detail: format!("from {}, certificate {} until {end}", source.0, issued.serial),
        };
        change.commit(deed).await?;
        // Somebody who was added on this machine, past us, is in the books only.
        self.standings.set_operator(operator.clone(), role);
        Ok(LoggedIn { operator, chain: issued.chain, trust })
    }

    fn again(
        &self,
        operator: OperatorName,
        (key, chain): ([u8; 32], Vec<CertificateDer<'static>>),
        asks: KeyHash,
    ) -> Result<LoggedIn, Refusal> {
        let end = chain.first().and_then(|leaf| trust::lifetime(leaf)).map(|(_, end)| end);
        if key != asks.0 || end.is_none_or(|end| end <= self.now()) {
            return Err(denied());
        }
        Ok(LoggedIn { operator, chain, trust: self.authorities.now().trust.clone() })
    }

    /// A new certificate for the same person, and the bundle to trust from now on.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], when it is no request; [`Refusal::Denied`], when the person was removed meanwhile.
    pub async fn renew_operator(
        &self,
        who: &OperatorPeer,
        certificate_request: &[u8],
    ) -> Result<LoggedIn, Refusal> {
        let request = verified(certificate_request)?;
        let (issued, trust) = self.certify(&who.name, &request)?;
        let (end, now) = (issued.not_after, self.now());
        let mut change = self.store.change().await?;
        if !change.certified_operator(&who.name, end, trust.generation, now).await? {
            return Err(Refusal::Denied(format!("{} is no operator any more", who.name)));
        }
        let detail = format!("certificate {} until {end}", issued.serial);
        change.commit(self.deed_of(who, "operator_certificate_renewed", &who.name, detail)).await?;
        Ok(LoggedIn { operator: who.name.clone(), chain: issued.chain, trust })
    }

    /// A certificate by the authority in force, and the bundle that holds at the same moment.
    fn certify(
        &self,
        operator: &OperatorName,
        request: &VerifiedRequest,
    ) -> Result<(Issued, TrustBundle), Refusal> {
        let name = Name::Operator(self.organisation.clone(), operator.clone());
        let (standing, life) = (self.authorities.now(), self.settings.certificate_life);
        let issued =
            standing.issuing.issue(&name, request, self.now(), life).map_err(Refusal::failed)?;
        Ok((issued, standing.trust.clone()))
    }
}

fn verified(certificate_request: &[u8]) -> Result<VerifiedRequest, Refusal> {
    request::verify(certificate_request).map_err(|error| Refusal::Invalid(error.to_string()))
}

/// The same words for every reason: a stranger learns nothing by trying.
fn denied() -> Refusal {
    Refusal::Denied(
        "the code is not good: it is unknown, used or over; ask an administrator for a new one"
            .to_owned(),
    )
}
