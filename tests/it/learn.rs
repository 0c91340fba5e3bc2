//! A setting that no dialect knows is learned from two exports, and judged from then on.

use tests::devices::mobotix::{Camera, Line, Spec, configs};

use super::desk::{Desk, start};

/// The key that the pretend camera, and no real one that we know of, keeps intrusion detection under.
const KEY: &str = "IDS_HTTP_ENABLE";

async fn camera(value: &str) -> Camera {
    let mut config = configs::factory(Line::P3);
    config.set("httpd", KEY, value);
    start(Spec { config: Some(config.bytes().to_vec()), ..Spec::new(Line::P3, "yard") }).await
}

/// Two exports of one camera, before and after somebody switched intrusion detection on in its page.
async fn exports() -> Desk {
    let desk = Desk::new();
    desk.write("before.cfg", camera("0").await.running_config());
    desk.write("after.cfg", camera("1").await.running_config());
    desk
}

#[tokio::test]
async fn a_setting_is_unknown_until_it_is_learned_and_judged_afterwards() {
    let desk = exports().await;
    for export in ["before", "after"] {
        let (_, judged) = desk.judged(&format!("audit @{export}.cfg")).await;
        judged.says("C08", "unknown", &["learn"]);
    }
    let words = "learn @before.cfg @after.cfg --setting intrusion --output @site.toml";
    let learned = desk.agent(words).await;
    assert_eq!(learned.code, Some(0), "{learned:?}");
    let dialect = desk.read("site.toml");
    assert!(dialect.contains("httpd") && dialect.contains(KEY), "{dialect}");
    let (_, before) = desk.judged("audit @before.cfg --dialect @site.toml").await;
    before.says("C08", "unmet", &["off"]);
    let (_, after) = desk.judged("audit @after.cfg --dialect @site.toml").await;
    // It is on; whether it blocks and tells anybody is still not known.
    after.says("C08", "unknown", &[]);
    assert_ne!(before.observed("C08"), after.observed("C08"));
}

#[tokio::test]
async fn a_site_file_may_name_the_dialect_it_learned() {
    let desk = exports().await;
    desk.agent("learn @before.cfg @after.cfg --setting intrusion --output @dialect.toml").await;
    desk.write(
        "site.toml",
        "dialects = [\"dialect.toml\"]\n\
         [[devices]]\nname = \"yard\"\nkind = \"mobotix\"\nfile = \"before.cfg\"\n",
    );
    let (_, judged) = desk.judged("audit --inventory @site.toml").await;
    judged.device("yard").says("C08", "unmet", &["off"]);
}

#[tokio::test]
async fn what_cannot_be_learned_is_said_and_nothing_is_written() {
    let desk = exports().await;
    desk.write("seven.cfg", configs::factory(Line::Mobotix7).bytes());
    desk.write("empty.cfg", "");
    let mut two = configs::factory(Line::P3);
    two.set("httpd", KEY, "1");
    two.set("httpd", "IDS_HTTP_BLOCK", "1");
    desk.write("two.cfg", two.bytes());
    for (words, says) in [
        ("@before.cfg @before.cfg --setting intrusion", "nothing changed"),
        ("@before.cfg @seven.cfg --setting intrusion", "two firmware versions"),
        ("@before.cfg @after.cfg --setting intrusoin", "intrusion"),
        ("@before.cfg @empty.cfg --setting intrusion", "empty"),
        ("@before.cfg @two.cfg --setting intrusion", "IDS_HTTP_BLOCK"),
    ] {
        let ended = desk.agent(&format!("learn {words} --output @none.toml")).await;
        assert_eq!(ended.code, Some(2), "{words}: {ended:?}");
        assert!(ended.err.contains(says), "{words}: {ended:?}");
        assert!(!desk.path("none.toml").exists(), "{words}");
    }
    let words = "learn @before.cfg @two.cfg --setting intrusion --key httpd/IDS_HTTP_ENABLE";
    assert!(desk.agent(words).await.out.contains(KEY));
}
