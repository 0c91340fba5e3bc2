//! A table in a file, and real web servers on loopback.

use std::sync::Mutex;

use super::*;

const OUI: &str = "00:03:c5:0c:9f:25";
const OTHER: &str = "52:54:00:11:22:33";

/// Remembers whom it asked; those whose address ends in 7 are cameras.
#[derive(Default)]
struct Asking(Mutex<Vec<IpAddr>>);

#[async_trait]
impl Prober for Asking {
    async fn probe(&self, address: IpAddr) -> Vec<Evidence> {
        self.0.lock().unwrap().push(address);
        let sign = Evidence { source: "GET /".to_owned(), text: "a camera".to_owned() };
        if address.to_string().ends_with('7') { vec![sign] } else { Vec::new() }
    }
}

struct Site {
    folder: tempfile::TempDir,
    asking: Arc<Asking>,
    survey: Survey,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let asking = Arc::new(Asking::default());
        let survey = Survey::new(folder.path().join("arp"), asking.clone());
        Self { folder, asking, survey }
    }

    fn write(&self, entries: &[(&str, &str)]) {
        let line = |(address, mac): &(&str, &str)| format!("{address} 0x1 0x2 {mac} * eth0\n");
        let table: String = entries.iter().map(line).collect();
        std::fs::write(self.folder.path().join("arp"), format!("head\n{table}")).unwrap();
    }

    async fn look(&mut self, own: &[&str], now: u64) -> Vec<String> {
        let networks = ["10.1.2.0/24".parse().unwrap()];
        let own = own.iter().map(|address| address.parse().unwrap()).collect();
        let found = self.survey.look(&networks, &own, now).await.unwrap();
        let told = |it: Sighting| format!("{} {}", it.address, it.evidence.len());
        found.into_iter().map(told).collect()
    }

    fn asked(&self) -> Vec<String> {
        self.asking.0.lock().unwrap().drain(..).map(|address| address.to_string()).collect()
    }
}

#[tokio::test]
async fn only_neighbours_inside_the_networks_and_in_no_site_file_are_asked() {
    let mut site = Site::new();
    site.write(&[("10.1.2.3", OUI), ("10.1.2.7", OTHER), ("10.1.2.8", OTHER), ("10.9.9.7", OUI)]);
    assert_eq!(site.look(&["10.1.2.3"], 0).await, ["10.1.2.7 1"]);
    assert_eq!(site.asked(), ["10.1.2.7", "10.1.2.8"]);
}

#[tokio::test]
async fn a_neighbour_is_asked_once_a_day_and_its_answer_remembered() {
    let mut site = Site::new();
    site.write(&[("10.1.2.7", OUI), ("10.1.2.8", OTHER)]);
    for (now, asked) in [(0, 2), (3600, 0), (PROBE_EVERY - 1, 0), (PROBE_EVERY, 2)] {
        assert_eq!(site.look(&[], now).await, ["10.1.2.7 2"]);
        assert_eq!(site.asked().len(), asked, "after {now} s");
    }
    site.write(&[("10.1.2.7", OTHER)]);
    assert_eq!(site.look(&[], PROBE_EVERY).await, ["10.1.2.7 1"]);
    assert_eq!(site.asked().len(), 1, "somebody else is there now");
}

#[tokio::test]
async fn a_crowd_is_asked_a_few_at_a_time() {
    let mut site = Site::new();
    let addresses: Vec<_> = (10..50).map(|last| format!("10.1.2.{last}")).collect();
    let entries: Vec<_> = addresses.iter().map(|address| (address.as_str(), OTHER)).collect();
    site.write(&entries);
    for most in [16, 16, 8, 0] {
        site.look(&[], 0).await;
        assert_eq!(site.asked().len(), most);
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_told_as_such() {
    let mut site = Site::new();
    let networks = ["10.0.0.0/8".parse().unwrap()];
    let error = site.survey.look(&networks, &BTreeSet::new(), 0).await.unwrap_err();
    assert!(error.to_string().starts_with("reading the address table"), "{error}");
}

#[tokio::test]
async fn the_web_prober_takes_the_first_port_that_shows_a_camera() {
    use crate::device::testing::{Act, answer, serve};
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed_port = closed.local_addr().unwrap().port();
    drop(closed);
    let camera =
        serve(|_| Act::Keep(answer("302 Found", "Location: /cgi-bin/guestimage.html\r\n", "")))
            .await;
    let prober = WebProber { ports: vec![(closed_port, true), (camera.at.port(), false)] };
    assert_eq!(prober.probe(camera.at.ip()).await.len(), 1);
    assert_eq!(camera.requests().len(), 1);
}
