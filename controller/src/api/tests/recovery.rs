use certs::join_state::{JoinState, recovery_message};
use certs::{Key, request};
use proto::wire::v1;
use proto::wire::v1::enrollment_client::EnrollmentClient;
use tonic::transport::Channel;
use tonic::{Code as Grpc, Status};

use crate::api::testing::{Member, World, member};
use crate::service::Refusal;

async fn challenge(world: &World, of: &Member) -> Vec<u8> {
    let ask = v1::ChallengeRequest { agent_id: of.id.to_string() };
    world.stranger().await.challenge(ask).await.unwrap().into_inner().nonce
}

/// The way back, over a line that is there.
pub async fn recover_by(
    mut client: EnrollmentClient<Channel>,
    of: &Member,
    key: &Key,
    state: &JoinState,
) -> Result<Member, Status> {
    let ask = v1::ChallengeRequest { agent_id: of.id.to_string() };
    let nonce = client.challenge(ask).await?.into_inner().nonce;
    let reply = client.recover(proof(of, nonce, key, state)).await?.into_inner();
    Ok(member(reply.joined.unwrap(), again(key), again(&of.recovery)))
}

fn proof(of: &Member, nonce: Vec<u8>, key: &Key, state: &JoinState) -> v1::RecoverRequest {
    let certificate_request = request::make(key).unwrap();
    let message = recovery_message(&nonce, &of.id, &certificate_request, state);
    v1::RecoverRequest {
        agent_id: of.id.to_string(),
        nonce,
        proof: of.recovery.sign(&message).unwrap(),
        certificate_request,
        join_state: Some(v1::JoinState {
            agent_id: state.agent.to_string(),
            sequence: state.sequence,
            issued_at: state.issued_at.unix(),
            signature: state.signature.clone(),
        }),
        version: "0.1.0".to_owned(),
    }
}

pub async fn recover(
    world: &World,
    of: &Member,
    key: &Key,
    state: &JoinState,
) -> Result<Member, Status> {
    recover_by(world.stranger().await, of, key, state).await
}

fn again(key: &Key) -> Key {
    Key::from_pkcs8(key.pkcs8()).unwrap()
}

#[tokio::test]
async fn an_agent_comes_back_after_ninety_days() {
    let world = World::start().await;
    let before = world.member("harbour").await;
    world.clock.forward(90 * 86_400);
    assert!(world.dial(Some(&before.identity)).await.is_err());
    let key = Key::generate().unwrap();
    let after = recover(&world, &before, &key, &before.state).await.unwrap();
    assert_eq!((after.id.clone(), after.site.clone()), (before.id.clone(), before.site.clone()));
    assert_eq!(after.state.sequence, 2);
    world.dial(Some(&after.identity)).await.unwrap();
    let view = world.service.agent(&before.id).await.unwrap();
    assert_eq!((view.agent.recoveries, view.agent.join_sequence), (1, 2));
    assert_eq!(world.deeds("agent_recovered").await.len(), 1);
}

#[tokio::test]
async fn a_lost_reply_is_given_again_to_the_same_key_and_counted_once() {
    let world = World::start().await;
    let before = world.member("harbour").await;
    let key = Key::generate().unwrap();
    let one = recover(&world, &before, &key, &before.state).await.unwrap();
    let two = recover(&world, &before, &key, &before.state).await.unwrap();
    assert_eq!(one.state.sequence, two.state.sequence);
    world.dial(Some(&two.identity)).await.unwrap();
    assert_eq!(world.service.agent(&before.id).await.unwrap().agent.recoveries, 1);
}

#[tokio::test]
async fn a_copy_locks_both_until_an_operator_decides() {
    let world = World::start().await;
    let before = world.member("harbour").await;
    let first = recover(&world, &before, &Key::generate().unwrap(), &before.state).await.unwrap();
    let kill = world.service.standings.agent(&before.id).unwrap().kill;
    let copy = recover(&world, &before, &Key::generate().unwrap(), &before.state).await;
    assert_eq!(copy.unwrap_err().code(), Grpc::FailedPrecondition);
    assert!(kill.is_cancelled());
    let refused = world.dial(Some(&first.identity)).await.unwrap_err();
    assert!(refused.to_string().contains("CertificateRevoked"), "{refused}");
    let original = recover(&world, &first, &Key::generate().unwrap(), &first.state).await;
    assert_eq!(original.unwrap_err().code(), Grpc::FailedPrecondition);
    assert_eq!(world.deeds("agent_locked").await.len(), 1);
    let kim = world.kim();
    assert!(matches!(
        world.service.unlock_agent(&kim, &before.id, " ").await,
        Err(Refusal::Invalid(_))
    ));
    world.service.unlock_agent(&kim, &before.id, "the copy was found").await.unwrap();
    world.dial(Some(&first.identity)).await.unwrap();
}

#[tokio::test]
async fn a_challenge_is_good_once_for_one_agent_and_a_minute() {
    let world = World::start().await;
    let (harbour, depot) = (world.member("harbour").await, world.member("depot").await);
    let key = Key::generate().unwrap();
    let refused = async |ask: v1::RecoverRequest| {
        world.stranger().await.recover(ask).await.unwrap_err().code()
    };
    let late = proof(&harbour, challenge(&world, &harbour).await, &key, &harbour.state);
    world.clock.forward(60);
    assert_eq!(refused(late).await, Grpc::PermissionDenied);
    let others = proof(&depot, challenge(&world, &harbour).await, &key, &depot.state);
    assert_eq!(refused(others).await, Grpc::PermissionDenied);
    let once = proof(&harbour, challenge(&world, &harbour).await, &key, &harbour.state);
    world.stranger().await.recover(once.clone()).await.unwrap();
    assert_eq!(refused(once).await, Grpc::PermissionDenied);
    let made_up = proof(&harbour, vec![7; 32], &key, &harbour.state);
    assert_eq!(refused(made_up).await, Grpc::PermissionDenied);
    assert_eq!(world.service.agent(&depot.id).await.unwrap().agent.recoveries, 0);
}

#[tokio::test]
async fn nobody_without_the_recovery_key_locks_or_becomes_an_agent() {
    let world = World::start().await;
    let harbour = world.member("harbour").await;
    let key = Key::generate().unwrap();
    let refused = async |ask: v1::RecoverRequest| {
        world.stranger().await.recover(ask).await.unwrap_err().code()
    };
    let mut forged = proof(&harbour, challenge(&world, &harbour).await, &key, &harbour.state);
    forged.proof = key.sign(b"me").unwrap();
    assert_eq!(refused(forged).await, Grpc::PermissionDenied);
    let higher = JoinState { sequence: 9, ..harbour.state.clone() };
    let higher = proof(&harbour, challenge(&world, &harbour).await, &key, &higher);
    assert_eq!(refused(higher).await, Grpc::PermissionDenied);
    let swapped = proof(&harbour, challenge(&world, &harbour).await, &key, &harbour.state);
    let other = request::make(&Key::generate().unwrap()).unwrap();
    let swapped = v1::RecoverRequest { certificate_request: other, ..swapped };
    assert_eq!(refused(swapped).await, Grpc::PermissionDenied);
    assert!(world.service.standings.agent(&harbour.id).is_some());
}

#[tokio::test]
async fn a_stranger_cannot_tell_whether_an_agent_is_there() {
    let world = World::start().await;
    let mut client = world.stranger().await;
    for _ in 0..2 {
        let ask = v1::ChallengeRequest { agent_id: "0123456789abcdef".to_owned() };
        assert_eq!(client.challenge(ask).await.unwrap().into_inner().nonce.len(), 32);
    }
}
