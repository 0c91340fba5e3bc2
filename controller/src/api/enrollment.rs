//! What strangers may ask. Each question is counted against its source before anything is read of it.

use std::sync::Arc;

use proto::Secret;
use proto::wire::v1;
use proto::wire::v1::enroll_reply::Outcome;
use proto::wire::v1::enrollment_server::Enrollment;
use tonic::{Request, Response, Status};
use zeroize::Zeroize as _;

use super::agent_wire::{join_state, joined, trust};
use super::limits::Attempts;
use super::peer;
use super::status::{malformed, status};
use crate::service::approval::Asked;
use crate::service::enrollment::Asking;
use crate::service::login::LoggedIn;
use crate::service::meters::{Question, Reply};
use crate::service::recovery::ComingBack;
use crate::service::{Refusal, Service, Source};

/// Longest secret that is looked at, in bytes.
const MAX_SECRET: usize = 256;

/// The `Enrollment` service.
#[derive(Clone, Debug)]
pub struct EnrollmentApi {
    /// Who decides.
    pub service: Arc<Service>,
    /// How often each source has tried.
    pub attempts: Arc<Attempts>,
}

impl EnrollmentApi {
    fn counted<T>(&self, question: Question, request: Request<T>) -> Result<(Source, T), Status> {
        let source = peer::source(request.extensions())?;
        self.attempts.count(source).map_err(|refusal| self.refused(question, refusal))?;
        Ok((source, request.into_inner()))
    }

    fn refused(&self, question: Question, refusal: Refusal) -> Status {
        self.service.meters.replied(question, Reply::of(&refusal));
        status(refusal)
    }
}

#[tonic::async_trait]
impl Enrollment for EnrollmentApi {
    async fn enroll(
        &self,
        request: Request<v1::EnrollRequest>,
    ) -> Result<Response<v1::EnrollReply>, Status> {
        let (source, mut ask) = self.counted(Question::Enroll, request)?;
        let secret = Secret::new(ask.token_secret.as_str());
        ask.token_secret.zeroize();
        if secret.expose().len() > MAX_SECRET {
            return Err(malformed("token: too long"));
        }
        let asking = Asking {
            request: ask.certificate_request,
            recovery_key: ask.recovery_key,
            recovery_proof: ask.recovery_proof,
            version: ask.version,
            host: ask.host,
        };
        let asked = if secret.expose().is_empty() {
            self.service.ask_approval(source, asking).await
        } else {
            let joined = self.service.enroll(source, &secret, asking).await;
            joined.map(|joined| Asked::Joined(Box::new(joined)))
        };
        let asked = asked.map_err(|refusal| self.refused(Question::Enroll, refusal))?;
        let (reply, outcome) = match asked {
            Asked::Joined(it) => (Reply::Granted, Outcome::Joined(joined(*it))),
            Asked::Waiting { retry_after, expires_at } => {
                let expires_at = expires_at.unix();
                (Reply::Waiting, Outcome::Pending(v1::Pending { retry_after, expires_at }))
            }
        };
        self.service.meters.replied(Question::Enroll, reply);
        Ok(Response::new(v1::EnrollReply { outcome: Some(outcome) }))
    }

    async fn challenge(
        &self,
        request: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeReply>, Status> {
        let (_, ask) = self.counted(Question::Recover, request)?;
        let agent = ask.agent_id.parse().map_err(malformed)?;
        let nonce = self.service.challenge(&agent).await.map_err(status)?;
        let controller_time = self.service.now().unix();
        Ok(Response::new(v1::ChallengeReply { nonce: nonce.to_vec(), controller_time }))
    }

    async fn recover(
        &self,
        request: Request<v1::RecoverRequest>,
    ) -> Result<Response<v1::RecoverReply>, Status> {
        let (source, ask) = self.counted(Question::Recover, request)?;
        let back = ComingBack {
            agent: ask.agent_id.parse().map_err(malformed)?,
            nonce: ask.nonce,
            request: ask.certificate_request,
            state: join_state(ask.join_state).map_err(malformed)?,
            proof: ask.proof,
            version: ask.version,
        };
        let it = self.service.recover(source, back).await;
        let it = it.map_err(|refusal| self.refused(Question::Recover, refusal))?;
        self.service.meters.replied(Question::Recover, Reply::Granted);
        Ok(Response::new(v1::RecoverReply { joined: Some(joined(it)) }))
    }

    async fn log_in(
        &self,
        request: Request<v1::LogInRequest>,
    ) -> Result<Response<v1::LogInReply>, Status> {
        let (source, mut ask) = self.counted(Question::LogIn, request)?;
        let code = Secret::new(ask.code_secret.as_str());
        ask.code_secret.zeroize();
        if code.expose().len() > MAX_SECRET {
            return Err(malformed("code: too long"));
        }
        let logged_in = self.service.log_in(source, &code, &ask.certificate_request).await;
        let LoggedIn { operator, chain, trust } =
            logged_in.map_err(|refusal| self.refused(Question::LogIn, refusal))?;
        self.service.meters.replied(Question::LogIn, Reply::Granted);
        Ok(Response::new(v1::LogInReply {
            organisation: self.service.organisation.to_string(),
            operator: operator.to_string(),
            chain: chain.iter().map(|one| one.to_vec()).collect(),
            trust: Some(self::trust(&trust)),
            controller_time: self.service.now().unix(),
        }))
    }
}
