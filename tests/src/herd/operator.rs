//! An operator's client for measuring and for stories: logs in with a one-time code and speaks gRPC.

use anyhow::Context as _;
use certs::ticket::{Ticket, TicketKind};
use certs::{Identity, Key, RootPin, TrustBundle, request};
use proto::Secret;
use proto::wire::v1;
use proto::wire::v1::enrollment_client::EnrollmentClient;
use proto::wire::v1::operator_client::OperatorClient;
use tonic::transport::Channel;

use super::dial::{Place, channel, enrolled, first_contact};

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Speaks for the operator.
    pub client: OperatorClient<Channel>,
    place: Place,
    code: Ticket,
    trust: TrustBundle,
}

impl Desk {
    /// Logs in with a one-time code.
    ///
    /// # Errors
    /// When the controller refuses the code.
    pub async fn log_in(place: &Place, code: &Ticket) -> anyhow::Result<Self> {
        let key = Key::generate()?;
        let asked = v1::LogInRequest {
            code_secret: code.secret.expose().to_owned(),
            certificate_request: request::make(&key)?,
        };
        let stranger = channel(place.clone(), first_contact(code)?).await?;
        let reply = EnrollmentClient::new(stranger).log_in(asked).await.context("logging in")?;
        let reply = reply.into_inner();
        let chain = reply.chain.into_iter().map(Into::into).collect();
        let trust = reply.trust.context("no trust bundle")?;
        let trust = TrustBundle::new(trust.generation, trust.roots)?;
        let identity = Identity::new(chain, key)?;
        let tls = enrolled(place.organisation.clone(), &trust, &identity)?;
        let channel = channel(place.clone(), tls).await?;
        let client = OperatorClient::new(channel).max_decoding_message_size(64 << 20);
        Ok(Self { client, place: place.clone(), code: code.clone(), trust })
    }

    /// What everybody is to trust.
    pub fn trust(&self) -> &TrustBundle {
        &self.trust
    }

    /// A connection of somebody without a certificate.
    ///
    /// # Errors
    /// When the controller does not answer.
    pub async fn stranger(&self) -> anyhow::Result<Channel> {
        channel(self.place.clone(), first_contact(&self.code)?).await
    }

    /// Adds a site.
    ///
    /// # Errors
    /// When the controller refuses.
    pub async fn add_site(&mut self, name: &str) -> anyhow::Result<()> {
        let asked = v1::AddSiteRequest { name: name.to_owned(), title: String::new() };
        self.client.add_site(asked).await.context("adding a site")?;
        Ok(())
    }

    /// Makes a token for a site.
    ///
    /// # Errors
    /// When the controller refuses.
    pub async fn token(&mut self, site: &str) -> anyhow::Result<Ticket> {
        let asked = v1::CreateTokenRequest { site: site.to_owned(), life: 0 };
        let made = self.client.create_token(asked).await.context("making a token")?.into_inner();
        let pin = made.root_pin.try_into().ok().map(RootPin).context("the pin has 32 bytes")?;
        Ok(Ticket {
            kind: TicketKind::Agent,
            organisation: self.place.organisation.clone(),
            addresses: made.addresses,
            pin,
            secret: Secret::new(made.secret),
        })
    }
}
