//! Whether a chain that somebody was just given will do: an agent or operator asks before it trusts its future to it.

use proto::Timestamp;
use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{MutualError, explain, lead, refused};
use crate::peer::MAX_CHAIN;
use crate::trust::{MAX_CERTIFICATE, TrustBundle};

/// Whether a client's chain (its own certificate first) leads to a root of the bundle, and is good at that time.
///
/// # Errors
/// [`MutualError`], with the reason.
pub fn leads(
    chain: &[CertificateDer<'_>],
    bundle: &TrustBundle,
    at: Timestamp,
) -> Result<(), MutualError> {
    let bad = || MutualError::Tls(refused(rustls::CertificateError::BadEncoding));
    let Some((leaf, others)) = chain.split_first() else { return Err(bad()) };
    if chain.len() > MAX_CHAIN || chain.iter().any(|one| one.len() > MAX_CERTIFICATE) {
        return Err(bad());
    }
    let anchors = bundle
        .roots
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| MutualError::BadAnchor)?;
    // At most one authority stands between: what a device issuer signed leads nowhere.
    let between: Vec<_> =
        others.iter().filter(|one| !bundle.roots.contains(one)).take(1).cloned().collect();
    let certificate = EndEntityCert::try_from(leaf).map_err(|error| explain(&error))?;
    Ok(lead(&certificate, (&anchors, &between), at, KeyUsage::client_auth())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hierarchy::{LEAF_LIFE, Root};
    use crate::key::Key;
    use crate::name::Name;
    use crate::request;

    #[test]
    fn a_chain_leads_to_its_own_root_while_it_lasts() {
        let now = Timestamp::from_unix(1_800_000_000);
        let organisation = "acme".parse().unwrap();
        let root = Root::make(&organisation, now).unwrap();
        let issuing = root.issuing(&organisation, now).unwrap();
        let request = request::verify(&request::make(&Key::generate().unwrap()).unwrap()).unwrap();
        let issue = |name| issuing.issue(&name, &request, now, LEAF_LIFE).unwrap().chain;
        let chain = issue(Name::Agent(organisation.clone(), "00ff".parse().unwrap()));
        let bundle =
            |root: &Root| TrustBundle { generation: 1, roots: vec![root.certificate().clone()] };
        leads(&chain, &bundle(&root), now).unwrap();
        leads(&chain[..2], &bundle(&root), now).unwrap();
        assert!(leads(&chain[..1], &bundle(&root), now).is_err());
        assert!(leads(&[], &bundle(&root), now).is_err());
        let late = Timestamp::from_unix(now.unix() + LEAF_LIFE + 1);
        assert!(leads(&chain, &bundle(&root), late).is_err());
        let other = Root::make(&organisation, now).unwrap();
        assert!(leads(&chain, &bundle(&other), now).is_err());
        assert!(leads(&issue(Name::Controller(organisation)), &bundle(&root), now).is_err());
    }
}
