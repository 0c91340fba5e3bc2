use certs::Name;
use certs::hierarchy::LEAF_LIFE;
use certs::mutual::{Lifetimes, Trusting, client_config};
use proto::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::testing::{Stands, accept, port, settings};
use super::*;
use crate::identity::testing::{Acme, START};

/// What the agent brings.
struct Agent {
    made: i64,
    now: i64,
}

const FRESH: Agent = Agent { made: START, now: START };

fn call(acme: &Acme, agent: &Agent, addresses: &[&str]) -> Call {
    let identity = acme.identity(&acme.agent(), Timestamp::from_unix(agent.made));
    let clock = Lifetimes::Judged(Arc::new(Stands(agent.now)));
    let trusting = Trusting::Bundle(acme.trust());
    let tls = client_config(&acme.organisation, &trusting, Some(&identity), clock).unwrap();
    let name = certs::name::server_name(&acme.organisation).try_into().unwrap();
    Call { addresses: addresses.iter().map(ToString::to_string).collect(), name, tls }
}

/// Dials a controller that has these settings and says `hello` to whoever gets in.
async fn dialled(
    acme: &Acme,
    agent: &Agent,
    server: Arc<rustls::ServerConfig>,
) -> Result<Wire, DialFault> {
    let (listener, address) = port().await;
    let serving = async {
        if let Ok(mut tls) = accept(&listener, server).await {
            tls.write_all(b"hello").await.unwrap();
            tls.flush().await.unwrap();
        }
    };
    let call = call(acme, agent, &[&address]);
    let (dialled, ()) = tokio::join!(dial_confirmed(&call), serving);
    dialled
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

#[tokio::test]
async fn what_the_controller_said_first_is_not_lost() {
    let acme = Acme::new();
    let server = settings(&acme, &acme.controller(), acme.now, START, true);
    let mut wire = dialled(&acme, &FRESH, server).await.unwrap();
    assert!(presented(&wire).is_some());
    let mut said = [0; 5];
    wire.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"hello");
}

#[tokio::test]
async fn a_revoked_agent_hears_that_it_is() {
    let acme = Acme::new();
    let server = settings(&acme, &acme.controller(), acme.now, START, false);
    assert_eq!(dialled(&acme, &FRESH, server).await.err(), Some(DialFault::Revoked));
}

#[tokio::test]
async fn an_agent_whose_certificate_is_over_hears_that_it_is() {
    let acme = Acme::new();
    let now = START + LEAF_LIFE + 60;
    let server = settings(&acme, &acme.controller(), at(now - 60), now, true);
    let late = Agent { made: START, now };
    assert_eq!(dialled(&acme, &late, server).await.err(), Some(DialFault::Expired));
}

#[tokio::test]
async fn an_agent_of_somebody_else_hears_that_it_is_refused() {
    let (acme, other) = (Acme::new(), Acme::new());
    let (listener, address) = port().await;
    let server = settings(&acme, &acme.controller(), acme.now, START, true);
    let identity = other.identity(&acme.agent(), acme.now);
    let mut call = call(&acme, &FRESH, &[&address]);
    let clock = Lifetimes::Judged(Arc::new(Stands(START)));
    let trusting = Trusting::Bundle(acme.trust());
    call.tls = client_config(&acme.organisation, &trusting, Some(&identity), clock).unwrap();
    let (dialled, _) = tokio::join!(dial_confirmed(&call), accept(&listener, server));
    assert!(matches!(dialled, Err(DialFault::Refused(_))), "{dialled:?}");
}

#[tokio::test]
async fn a_controller_that_is_not_ours_is_not_trusted() {
    let (acme, other) = (Acme::new(), Acme::new());
    for (root, name) in [
        (&other, acme.controller()),
        (&acme, acme.agent()),
        (&acme, Name::Controller("other".parse().unwrap())),
    ] {
        let server = settings(root, &name, root.now, START, true);
        let dialled = dialled(&acme, &FRESH, server).await;
        assert!(matches!(dialled, Err(DialFault::Untrusted(_))), "{name}: {dialled:?}");
    }
}

#[tokio::test]
async fn a_controller_whose_time_is_over_or_has_not_come_may_mean_that_our_clock_is_wrong() {
    let acme = Acme::new();
    for now in [0, START + 2 * LEAF_LIFE] {
        let server = settings(&acme, &acme.controller(), acme.now, START, true);
        let agent = Agent { made: START, now };
        assert_eq!(dialled(&acme, &agent, server).await.err(), Some(DialFault::OutOfTime));
    }
}

#[tokio::test]
async fn somebody_who_does_not_speak_tls_is_strange_and_one_who_hangs_up_is_unreachable() {
    let acme = Acme::new();
    for (says, strange) in [(b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), true), (b"", false)] {
        let (listener, address) = port().await;
        let serving = async {
            let (mut tcp, _) = listener.accept().await.unwrap();
            tcp.write_all(says).await.unwrap();
            tcp.shutdown().await.unwrap();
        };
        let call = call(&acme, &FRESH, &[&address]);
        let (dialled, ()) = tokio::join!(dial_confirmed(&call), serving);
        let fault = dialled.expect_err("nobody of ours");
        assert_eq!(matches!(fault, DialFault::Strange(_)), strange, "{fault:?}");
        assert_eq!(matches!(fault, DialFault::Unreachable(_)), !strange, "{fault:?}");
    }
}

#[tokio::test]
async fn an_alert_before_the_handshake_is_done_proves_nothing() {
    let acme = Acme::new();
    let (listener, address) = port().await;
    let serving = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        // A fatal alert `certificate_revoked`, in the clear.
        tcp.write_all(&[21, 3, 3, 0, 2, 2, 44]).await.unwrap();
        tcp.shutdown().await.unwrap();
    };
    let call = call(&acme, &FRESH, &[&address]);
    let (dialled, ()) = tokio::join!(dial_confirmed(&call), serving);
    assert!(matches!(dialled, Err(DialFault::Strange(_))), "{dialled:?}");
}

#[tokio::test]
async fn the_next_address_is_tried_and_what_tells_most_is_told() {
    let acme = Acme::new();
    let (dead, nobody) = port().await;
    drop(dead);
    let (listener, address) = port().await;
    for (open, fault) in [(true, None), (false, Some(DialFault::Revoked))] {
        let server = settings(&acme, &acme.controller(), acme.now, START, open);
        let serving = async {
            if let Ok(mut tls) = accept(&listener, server).await {
                tls.write_all(b"hello").await.unwrap();
                tls.flush().await.unwrap();
            }
        };
        let call = call(&acme, &FRESH, &[&nobody, "no port at all", &address, &nobody]);
        let (dialled, ()) = tokio::join!(dial_confirmed(&call), serving);
        assert_eq!(dialled.err(), fault);
    }
    let call = call(&acme, &FRESH, &[&nobody]);
    let fault = dial_confirmed(&call).await.expect_err("nobody is there").to_string();
    assert_eq!(fault, "the controller cannot be reached: nobody listens there");
}
