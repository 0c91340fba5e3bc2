//! The questions that may cost a failed log-in, and who is told a password at all.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Clear,
    AnyTls,
    PinnedTls,
}

#[tokio::test]
async fn whoever_asks_for_basic_over_a_certificate_of_his_own_gets_no_password() {
    let made = testing::certificate();
    let rogue = |request: &Request| match request.authorization() {
        Some(_) => Act::Keep(answer("200 OK", "", CONFIG)),
        None => Act::Keep(answer("401 Unauthorized", BASIC, "")),
    };
    let server = serve_tls(testing::tls_server(&made), rogue).await;
    let fault = observe(target(&server, true)).await.unwrap_err();
    assert!(matches!(fault, Fault::Refused(_)) && logins(&server) == 0, "{fault}");
    assert!(fault.to_string().contains(&testing::pin(&made).to_string()), "{fault}");
    let pinned = Target { pin: Some(testing::pin(&made)), ..target(&server, true) };
    let mut visit = Visit::with(pinned, &server).await;
    visit.log_in().await;
    assert_eq!(logins(&server), 1);
}

#[tokio::test]
async fn who_offers_digest_first_and_basic_later_gets_no_password() {
    let made = testing::certificate();
    let server = serve_tls(testing::tls_server(&made), |request| {
        let later = request.authorization().is_some();
        Act::Keep(answer("401 Unauthorized", if later { BASIC } else { DIGEST }, ""))
    })
    .await;
    let pinned = Target { pin: Some(testing::pin(&made)), ..target(&server, true) };
    assert!(matches!(observe(pinned).await, Err(Fault::Refused(_))));
    let requests = server.requests();
    let said: Vec<_> = requests.iter().filter_map(Request::authorization).collect();
    assert!(said.len() == 1 && said[0].starts_with("Digest "), "{said:?}");
}

#[tokio::test]
async fn basic_is_tried_once_where_it_is_not_offered_and_nobody_listens() {
    let made = testing::certificate();
    let unread = |reason: &str| Fact::Unreadable(reason.to_owned());
    for (log, spent, over, expect, cost) in [
        (seen_log(0), Spent::No, Over::PinnedTls, Fact::Seen(BasicLogin::Refused), 1),
        (seen_log(0), Spent::Yes, Over::PinnedTls, unread("went into the factory password"), 0),
        // One row may stand for many.
        (seen_log(1), Spent::No, Over::PinnedTls, unread("a failed log-in of our address"), 0),
        (unread_log(), Spent::No, Over::PinnedTls, unread("without the camera's log"), 0),
        (odd_log(), Spent::No, Over::PinnedTls, unread("not all of the camera's log"), 0),
        (foreign_log(), Spent::No, Over::PinnedTls, unread("does not show our address"), 0),
        (seen_log(0), Spent::No, Over::AnyTls, unread("no pin vouches"), 0),
        (seen_log(0), Spent::No, Over::Clear, unread("without TLS"), 0),
    ] {
        let server = match over {
            Over::Clear => serve(camera).await,
            Over::AnyTls | Over::PinnedTls => serve_tls(testing::tls_server(&made), camera).await,
        };
        let pin = (over == Over::PinnedTls).then(|| testing::pin(&made));
        let target = Target { pin, ..target(&server, over != Over::Clear) };
        let mut visit = Visit::with(target, &server).await;
        let (visitor, browser, session, mut findings) = visit.log_in().await;
        findings.web_log = log;
        visitor.try_basic(browser, &session, spent, &mut findings).await;
        match (findings.basic_login, expect) {
            (Fact::Unreadable(is), Fact::Unreadable(wanted)) => {
                assert!(is.contains(&wanted), "{is}")
            }
            (is, wanted) => assert_eq!(is, wanted),
        }
        assert_eq!(logins(&server), 1 + cost);
    }
}

#[tokio::test]
async fn the_factory_password_is_tried_once_at_most_and_only_with_the_logs_leave() {
    let odd = || Fact::unreadable("odd hash");
    for (facts, log, tried) in [
        (account(odd()), seen_log(0), true),
        (account(odd()), seen_log(1), false),
        (account(odd()), unread_log(), false),
        (account(Fact::Seen(false)), seen_log(0), false),
        (CameraFacts::unread("test"), seen_log(0), false),
    ] {
        let server = serve(camera).await;
        let mut visit = Visit::to(&server, false).await;
        let (visitor, browser, _, mut findings) = visit.log_in().await;
        findings.web_log = log;
        let spent = visitor.try_factory(browser, &facts, &mut findings).await;
        assert_eq!(spent, if tried { Spent::Yes } else { Spent::No });
        assert_eq!(logins(&server), 1 + usize::from(tried));
        let tested: Vec<_> =
            findings.factory.iter().map(|(user, is)| (user.as_str(), *is)).collect();
        assert_eq!(tested.contains(&("admin", false)), tried, "{tested:?}");
    }
}

#[tokio::test]
async fn a_page_in_place_of_the_configuration_proves_no_log_in() {
    let made = testing::certificate();
    let server = serve_tls(testing::tls_server(&made), |request| {
        let said = request.authorization().unwrap_or_default();
        let odd = said.starts_with("Basic") || said.contains("username=\"admin\"");
        if odd { Act::Keep(answer("200 OK", "", "<p>Sorry</p>")) } else { camera(request) }
    })
    .await;
    let pinned = Target { pin: Some(testing::pin(&made)), ..target(&server, true) };
    let mut visit = Visit::with(pinned, &server).await;
    let (visitor, browser, session, mut findings) = visit.log_in().await;
    findings.web_log = seen_log(0);
    let facts = account(Fact::unreadable("odd hash"));
    visitor.try_factory(browser, &facts, &mut findings).await;
    visitor.try_basic(browser, &session, Spent::No, &mut findings).await;
    assert!(findings.basic_login.seen().is_none(), "{:?}", findings.basic_login);
    assert!(findings.factory.iter().all(|(user, _)| user != "admin"), "{:?}", findings.factory);
}

#[tokio::test]
async fn logging_in_with_the_factory_password_proves_it() {
    let server = serve(camera).await;
    let mut visit = Visit::to(&server, false).await;
    visit.target.login = Some(login("kim", "meinsm"));
    let (_, _, _, findings) = visit.log_in().await;
    let mut facts = account(Fact::unreadable("odd hash"));
    findings.enter(&mut facts);
    let accounts = facts.accounts.seen().unwrap();
    assert_eq!(accounts[0].factory_password, Fact::Seen(true));
    assert!(accounts[1].factory_password.seen().is_none(), "nothing was learned of admin");
    let evidence = facts.evidence.for_facts(&["accounts"]);
    assert!(evidence.iter().all(|piece| !piece.text.contains("meinsm")), "{evidence:?}");
}

#[tokio::test]
async fn a_visit_that_is_to_spare_the_camera_asks_no_question_that_may_fail() {
    let made = testing::certificate();
    let server = serve_tls(testing::tls_server(&made), camera).await;
    let pin = Some(testing::pin(&made));
    let spared = Target { pin, trials: Trials::Spared, ..target(&server, true) };
    let mut visit = Visit::with(spared, &server).await;
    let (visitor, browser, session, mut findings) = visit.log_in().await;
    findings.web_log = seen_log(0);
    let facts = account(Fact::unreadable("odd hash"));
    assert_eq!(visitor.try_factory(browser, &facts, &mut findings).await, Spent::No);
    visitor.try_basic(browser, &session, Spent::No, &mut findings).await;
    let why = Fact::unreadable("not tried: an earlier visit has the answer");
    assert_eq!((findings.basic_login, logins(&server)), (why, 1));
}

#[tokio::test]
async fn a_certificate_seen_before_must_be_presented_again_and_vouches_for_nothing() {
    let made = testing::certificate();
    let server = serve_tls(testing::tls_server(&made), camera).await;
    let other = Some(testing::pin(&testing::certificate()));
    let fault = observe(Target { seen_before: other, ..target(&server, true) }).await.unwrap_err();
    assert!(matches!(fault, Fault::Refused(_)) && server.requests().is_empty(), "{fault}");
    let Target { address, limits, .. } = target(&server, true);
    let mut browser = Browser::of_old(address, server.at, testing::pin(&made), limits);
    assert_eq!(browser.ask(Ask::get("/robots.txt")).await.unwrap().status, 200);
    assert!(!browser.is_private());
}
