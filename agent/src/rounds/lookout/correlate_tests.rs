use super::*;

/// The agent's clock; cameras' clocks are two hours ahead in these tests.
const NOW: i64 = 1_800_000_000;
const AHEAD: i64 = 7_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOW + seconds)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A line whose time is given by our clock.
fn line(source: &str, seconds: i64, times: u32, outcome: Result<&str, &str>) -> LogLine {
    LogLine {
        source: address(source),
        success: outcome.is_ok(),
        named: !outcome.unwrap_or_else(|typed| typed).is_empty(),
        user: outcome.ok().map(str::to_owned),
        time: at(seconds + AHEAD),
        times,
    }
}

fn failed(source: &str, seconds: i64, times: u32) -> LogLine {
    line(source, seconds, times, Err("root"))
}

struct Site {
    correlation: Correlation,
    rules: WatchRules,
    known: Known,
    counted: bool,
}

impl Site {
    fn new() -> Self {
        let networks = Networks {
            allowed: vec!["10.0.0.0/8".parse().unwrap()],
            vms: vec![address("10.0.0.2")],
            ..Networks::default()
        };
        let known = Known { machines: BTreeSet::new(), networks };
        Self {
            correlation: Correlation::default(),
            rules: WatchRules::default(),
            known,
            counted: true,
        }
    }

    /// A look at a camera's log at that second, which shows our own log-in last.
    fn look(&mut self, device: &str, seconds: i64, lines: &[LogLine]) -> Vec<SiteEvent> {
        let own = address("10.0.0.5");
        let mut lines = lines.to_vec();
        lines.push(line("10.0.0.5", seconds, 1, Ok("palisade")));
        let log = WebLogSummary {
            newest: Some(at(seconds + AHEAD)),
            own: Some(own),
            counted: self.counted,
            lines,
            ..WebLogSummary::default()
        };
        let device = device.parse().unwrap();
        let look = Look { device: &device, log: &log, at: at(seconds) };
        self.correlation.take(&look, &self.rules, &self.known)
    }
}

fn kinds(events: &[SiteEvent]) -> Vec<(EventKind, String)> {
    events.iter().map(|it| (it.kind, it.source.to_string())).collect()
}

#[test]
fn an_address_that_fails_at_two_cameras_is_told_once_within_a_minute_of_the_second_failure() {
    let mut site = Site::new();
    let attacker = "10.9.9.9";
    assert_eq!(site.look("yard", 0, &[failed(attacker, -30, 2)]), []);
    // Looks at one camera are 40 s apart: whatever the second between them, the next look tells it within a minute.
    let shown = site.look("gate", 40, &[failed(attacker, 1, 1)]);
    assert_eq!(kinds(&shown), [(EventKind::BruteForce, attacker.to_owned())]);
    let event = &shown[0];
    assert!(at(40).seconds_since(at(1)) < 60);
    assert_eq!(event.devices.iter().map(ToString::to_string).collect::<Vec<_>>(), ["gate", "yard"]);
    assert_eq!((event.count, event.first_at, event.last_at), (3, at(-30), at(1)));
    assert!(event.users.is_empty(), "what was typed is never told");
    for seconds in [80, 120, 160] {
        let lines = [failed(attacker, -30, 2), failed(attacker, seconds - 5, 9)];
        assert_eq!(site.look("yard", seconds, &lines), [], "it goes on, and was told");
        assert_eq!(site.look("gate", seconds, &lines), []);
    }
}

#[test]
fn many_failures_at_one_camera_are_an_attack_and_few_are_none() {
    let mut site = Site::new();
    assert_eq!(site.look("yard", 0, &[failed("10.9.9.9", -5, 9)]), []);
    assert_eq!(site.look("yard", 40, &[failed("10.9.9.9", 20, 10)]).len(), 1);
    // Nine in the morning and nine at night are not eighteen together.
    let mut site = Site::new();
    assert_eq!(site.look("yard", 0, &[failed("10.9.9.9", -5, 9)]), []);
    let lines = [failed("10.9.9.9", -5, 9), failed("10.9.9.9", 39_990, 9)];
    assert_eq!(site.look("yard", 40_000, &lines), []);
}

#[test]
fn a_log_that_does_not_count_shows_an_attack_by_a_row_that_keeps_moving() {
    let mut site = Site::new();
    site.counted = false;
    let told: Vec<usize> = (0..15_i64)
        .map(|n| site.look("yard", n * 40, &[failed("10.9.9.9", n * 40 - 5, 1)]).len())
        .collect();
    let wanted: Vec<usize> = (0..15).map(|n| usize::from(n == 9)).collect();
    assert_eq!(told, wanted);
}

#[test]
fn after_a_time_of_quiet_the_same_is_told_again() {
    let mut site = Site::new();
    assert_eq!(site.look("yard", 0, &[failed("10.9.9.9", -5, 10)]).len(), 1);
    let hour = 3_600;
    assert_eq!(site.look("yard", hour - 60, &[failed("10.9.9.9", hour - 70, 10)]), []);
    assert_eq!(site.look("yard", 2 * hour, &[failed("10.9.9.9", 2 * hour - 5, 10)]).len(), 1);
}

#[test]
fn refusals_without_a_user_and_our_own_failures_accuse_nobody() {
    let mut site = Site::new();
    let nameless = line("10.0.0.7", -5, 50, Err(""));
    let ours = failed("10.0.0.5", -5, 50);
    let itself = failed("127.0.0.1", -5, 50);
    assert_eq!(site.look("yard", 0, &[nameless, ours, itself]), []);
}

#[test]
fn a_stranger_is_told_once_and_people_and_machines_of_the_site_never() {
    let mut site = Site::new();
    site.known.machines.insert(address("172.16.0.9"));
    site.rules.known = vec!["192.168.7.0/24".parse().unwrap()];
    let mut lines = vec![
        line("10.0.0.2", -1, 1, Ok("vms")),
        line("172.16.0.9", -1, 1, Ok("nas")),
        line("192.168.7.3", -1, 1, Ok("kim")),
    ];
    assert_eq!(site.look("yard", 0, &lines), []);
    lines.push(line("192.0.2.66", 10, 1, Ok("kim")));
    let shown = site.look("yard", 40, &lines);
    assert_eq!(kinds(&shown), [(EventKind::UnknownSource, "192.0.2.66".to_owned())]);
    assert_eq!(shown[0].users, ["kim"]);
    assert_eq!(site.look("gate", 50, &lines), [], "the same one at another camera");
    // Without a network nobody can be called a stranger.
    let mut site = Site::new();
    site.known.networks.allowed.clear();
    assert_eq!(site.look("yard", 40, &lines), []);
}

#[test]
fn a_person_who_is_let_in_out_of_hours_is_told_by_the_cameras_own_clock() {
    let mut site = Site::new();
    // 2027-01-15 08:00 UTC; the cameras say 10:00.
    let hours = |from: &str, to: &str| proto::policy::Window {
        days: BTreeSet::new(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    };
    site.rules.hours = vec![hours("09:30", "18:00")];
    let people = [line("10.0.0.8", -5, 1, Ok("kim")), line("10.0.0.2", -5, 1, Ok("vms"))];
    assert_eq!(site.look("yard", 0, &people), []);
    site.rules.hours = vec![hours("07:00", "09:30")];
    let shown = site.look("gate", 0, &people);
    assert_eq!(kinds(&shown), [(EventKind::OutOfHours, "10.0.0.8".to_owned())]);
}

#[test]
fn an_old_log_raises_nothing_and_a_restart_tells_nothing_twice() {
    let mut site = Site::new();
    let lines = [failed("10.9.9.9", -50_000, 100), line("192.0.2.66", -50_000, 3, Ok("kim"))];
    assert_eq!(site.look("yard", 0, &lines), [], "it was there before we were");
    assert_eq!(site.look("yard", 40, &[failed("10.9.9.9", 10, 10)]).len(), 1);
    site.correlation = Correlation::from_bytes(&site.correlation.to_bytes());
    assert_eq!(site.look("yard", 80, &[failed("10.9.9.9", 50, 12)]), []);
    assert_eq!(Correlation::from_bytes(b"{"), Correlation::from_bytes(b""));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut site = Site::new();
    site.rules.failures = 3;
    for wave in 0..3_i64 {
        let lines: Vec<_> = (0..1_000)
            .map(|n: i64| {
                let source = format!("10.{}.{}.{}", 1 + wave, n / 250, n % 250);
                failed(&source, wave * 40 - 5, 3)
            })
            .collect();
        assert_eq!(site.look("yard", wave * 40, &lines).len(), 1_000);
    }
    assert!(site.correlation.failures.len() <= MOST_SOURCES);
    assert!(site.correlation.to_bytes().len() < MOST_BYTES);
    site.correlation.keep_only(|_| false);
    assert!(site.correlation.failures.is_empty() && site.correlation.read.is_empty());
}
