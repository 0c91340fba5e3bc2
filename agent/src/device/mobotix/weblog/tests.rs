//! Pages as a camera may write them, and as a stranger may make it write them.

use super::*;
use crate::facts::SourceSummary;

fn page(rows: &[[&str; 5]]) -> String {
    let row = |cells: &[&str; 5]| {
        let cells: String =
            cells.iter().map(|cell| format!("<td class=\"a>b\">{cell}</td>")).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<html><script>var t = '<td>';</script><table><tr><th>Host Name<th>IP<th>Status<th>User<th>Date &amp; Time</tr>{rows}</table>"
    )
}

fn today() -> Day {
    "2018-02-06".parse().unwrap()
}

fn source<'a>(summary: &'a WebLogSummary, address: &str) -> &'a SourceSummary {
    &summary.sources[&address.parse::<IpAddr>().unwrap()]
}

#[test]
fn rows_without_an_address_continue_the_row_above() {
    let page = page(&[
        ["desk", "10.7.4.21", "Successful", "admin", "today 09:47:30"],
        ["", "", "", "-", "09:40:12"],
        ["&nbsp;", "", "", "kim", "2018-02-05 07:31:45"],
        ["", "", "", "-", "14:05:09"],
        ["10.7.9.33", "10.7.9.33", "Unauthorized", "root", "2018-02-02 11:59:00"],
        ["", "", "", "-", "11:58:00"],
        ["", "", "Successful", "-", "11:57:00"],
    ]);
    let summary = summarise(page.as_bytes(), today()).unwrap();
    assert_eq!((summary.rows, summary.odd_rows, summary.cut), (7, 0, false));
    let desk = source(&summary, "10.7.4.21");
    assert_eq!((desk.successful, desk.failed), (4, 0));
    assert_eq!(desk.users.iter().collect::<Vec<_>>(), ["admin", "kim"]);
    let other = source(&summary, "10.7.9.33");
    assert_eq!((other.successful, other.failed), (1, 2));
    assert!(other.users.is_empty(), "who was refused is no user");
    assert_eq!(summary.oldest, Some("2018-02-02T11:57:00Z".parse().unwrap()));
    assert_eq!(summary.newest, Some("2018-02-06T09:47:30Z".parse().unwrap()));
    assert_eq!((other.nameless, other.failed_logins()), (1, 1), "who named nobody did not log in");
    assert_eq!(other.last_failed, Some("2018-02-02T11:59:00Z".parse().unwrap()));
    assert!(!summary.counted);
}

#[test]
fn what_cannot_be_understood_is_counted_and_attributed_to_nobody() {
    let page = page(&[
        ["", "", "", "kim", "today 11:00:00"],
        ["x", "10.0.0.1", "Successful", "kim", "12:00:00"],
        ["x", "not an address", "Successful", "kim", "today 11:00:00"],
        ["", "", "", "kim", "today 10:00:00"],
        ["x", "10.0.0.1", "Perhaps", "kim", "today 11:00:00"],
        ["x", "10.0.0.1", "Successful", "kim", "yesterday 11:00:00"],
        ["x", "10.0.0.1", "Successful", "kim", "today 25:00:00"],
    ]);
    let summary = summarise(page.as_bytes(), today()).unwrap();
    assert_eq!((summary.rows, summary.odd_rows), (7, 6));
    assert_eq!(source(&summary, "10.0.0.1").successful, 1);
}

#[test]
fn codes_and_counts_of_the_longer_view_are_read() {
    let page = "<table><tr><td>IP</td><td>Object</td><td>Status</td><td>User</td><td>Count</td><td>Date</td></tr>\
        <tr><td>10.0.0.1<td>/<td>401 Unauthorized<td>-<td>12<td>today 11:00:00\
        <tr><td><td>/x<td>200 OK<td>kim<td>3<td>11:00:01</table>";
    let summary = summarise(page.as_bytes(), today()).unwrap();
    let one = source(&summary, "10.0.0.1");
    assert_eq!((one.successful, one.failed, summary.rows), (3, 12, 2));
    assert!(summary.counted && one.nameless == 12);
}

#[test]
fn a_page_without_the_table_is_no_log() {
    assert_eq!(summarise(b"<html><p>Not Found</p></html>", today()), None);
    assert_eq!(summarise(b"<table><tr><td>IP<td>Name</table>", today()), None);
    let empty = summarise(page(&[]).as_bytes(), today()).unwrap();
    assert_eq!(empty.rows, 0);
}

#[test]
fn hostile_names_drive_no_terminal_and_make_no_rows() {
    let page = page(&[
        ["x", "10.0.0.1", "Successful", "a\u{1b}[2J&lt;tr&gt;&lt;td&gt;", "today 11:00:00"],
        ["x", "10.0.0.1", "Successful", "<!-- <tr><td> -->eve", "today 11:00:00"],
    ]);
    let summary = summarise(page.as_bytes(), today()).unwrap();
    let users: Vec<_> = source(&summary, "10.0.0.1").users.iter().cloned().collect();
    assert_eq!(users, ["a\\u{1b}[2J<tr><td>", "eve"]);
}

#[test]
fn a_log_that_is_too_long_is_cut_and_says_so() {
    let row = ["x", "10.0.0.1", "Successful", "kim", "today 11:00:00"];
    let summary = summarise(page(&vec![row; MAX_ROWS + 1]).as_bytes(), today()).unwrap();
    assert_eq!((summary.rows as usize, summary.cut), (MAX_ROWS, true));
    let whole = summarise(page(&vec![row; MAX_ROWS]).as_bytes(), today()).unwrap();
    assert!(!whole.cut);
}

proptest::proptest! {
    #[test]
    fn no_page_makes_the_reader_panic(text in "(?s)(<tr>|<td>|</td>|<!--|-->|<script|</|'|\"|>|[a-z0-9 :.-]{0,9}|.){0,60}") {
        let headed = format!("<table><tr><th>IP<th>Status<th>User<th>Date</tr>{text}");
        let summary = summarise(headed.as_bytes(), today());
        assert!(summary.is_some_and(|summary| summary.odd_rows <= summary.rows));
        let _ = summarise(text.as_bytes(), today());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = summarise(&bytes, today());
    }
}

#[test]
fn a_page_that_breaks_off_was_not_read_whole() {
    let whole = page(&[["x", "10.0.0.1", "Successful", "kim", "today 11:00:00"]; 2]);
    assert!(!summarise(whole.as_bytes(), today()).unwrap().cut);
    let (short, _) = whole.rsplit_once("<tr>").unwrap();
    let summary = summarise(short.as_bytes(), today()).unwrap();
    assert_eq!((summary.rows, summary.odd_rows, summary.cut), (1, 0, true));
}
