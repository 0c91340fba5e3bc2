//! Looks at a device and draws its plan. Changes nothing.

use std::net::IpAddr;

use proto::finding::Attestation;

use super::Workshop;
use crate::change::{Change, Credential};
use crate::device::{Fault, Target};
use crate::facts::{Device, Facts, Kind, Source};
use crate::measures::conclude;
use crate::plan::{DevicePlan, Subject, draw};
use crate::site::Site;

/// Looks at one device and draws its plan.
///
/// # Errors
/// Why it could not be looked at.
pub async fn survey(
    target: &Target,
    attestations: &[Attestation],
    vms_addresses: &[IpAddr],
    shop: &Workshop,
) -> Result<DevicePlan, Fault> {
    let mut driver = (shop.open)(target.clone(), shop.dialects.clone());
    let mut seen = driver.inspect().await?;
    if let Facts::Camera(facts) = &mut seen.facts
        && shop.policy.backup.on
    {
        facts.backup = shop.keeper.backups(&target.name).await;
    }
    let Facts::Camera(facts) = &seen.facts else {
        return Err(Fault::Unsupported("only cameras can be changed yet".to_owned()));
    };
    let site = Site {
        policy: &shop.policy,
        advisories: &shop.advisories,
        device: &target.name,
        now: shop.clock.now(),
        attestations,
        vms_addresses,
    };
    let conclusions = conclude(&seen.facts, &site);
    let product = seen.identity.product.clone();
    let rotates =
        |credential: &Credential| shop.rotates.rotates(credential, target, product.as_deref());
    let identity = seen.identity;
    let device = Device {
        name: target.name.clone(),
        kind: Kind::Mobotix,
        source: Source::Live,
        address: target.address.to_string(),
        product: identity.product,
        model: identity.model,
        firmware: identity.firmware,
        serial: identity.serial,
        // Over http:// nothing can be held to the certificate that the HTTPS port was seen with.
        pin: identity.pin.filter(|_| target.address.tls).map(|pin| pin.to_string()),
    };
    let subject = Subject {
        device: &device,
        user: target.login.as_ref().map(|login| login.user.as_str()),
        facts,
        conclusions: &conclusions,
        configuration: seen.configuration.digest(),
        surroundings: &shop.surroundings,
        rotates: &rotates,
    };
    let mut current = seen.configuration.clone();
    let mut translate = |change: &Change| {
        let (edit, after) = driver.translate(&current, change)?;
        current = after;
        Ok(edit)
    };
    Ok(draw(&subject, &mut translate))
}
