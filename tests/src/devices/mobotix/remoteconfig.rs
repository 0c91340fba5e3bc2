//! The remote configuration interpreter: the lines of a `POST /admin/remoteconfig` and their answer, as the
//! camera's own help describes them.

use std::sync::Arc;

use bytes::Bytes;

use super::configs;
use super::configuration::Configuration;
use super::faults::Fault;
use super::http::Response;
use super::memory::Memory;
use super::spec::Line;

/// INVENTED: the four lines in front. Known is that there are four for `helo`, `view configfile`, `quit`, and that
/// the first begins with `#read::`: public backup tools rely on both.
const HEADER: &str = "#read::remoteconfig\n#helo: ok\n#access: admins\n#begin\n";
/// INVENTED: the three lines behind. Known is that there are three.
const TRAILER: &str = "#end\n#quit: ok\n#bye\n";

/// What the lines that are no command are for.
enum Mode {
    /// There should be none.
    Commands,
    /// `section/KEY=value`.
    Parameters,
    /// Whole sections; the one that is open, with its lines so far.
    Sections(Option<(String, Vec<u8>)>),
}

/// Does what the body says, line by line, and tells what came of it.
pub fn run(memory: &mut Memory, line: Line, body: &[u8]) -> Response {
    let mut session =
        Session { memory, line, mode: Mode::Commands, answer: Vec::new(), reboots: false };
    let mut quit = false;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if quit {
            break;
        }
        quit = session.take(line);
    }
    let mut response = Response::text(HEADER);
    response.reboots = session.reboots;
    response.body.extend(session.answer);
    response.body.push(Bytes::from_static(TRAILER.as_bytes()));
    response
}

struct Session<'a> {
    memory: &'a mut Memory,
    line: Line,
    mode: Mode,
    answer: Vec<Bytes>,
    reboots: bool,
}

impl Session<'_> {
    /// Takes one line; whether it was `quit`.
    fn take(&mut self, raw: &[u8]) -> bool {
        let text = String::from_utf8_lossy(raw);
        let text = text.trim();
        if let Mode::Sections(open) = &mut self.mode {
            if let Some((name, block)) = open {
                block.extend_from_slice(raw);
                if text.starts_with("ENDSECTION") {
                    let (name, block) = (std::mem::take(name), std::mem::take(block));
                    *open = None;
                    self.write(&name.clone(), |ram| ram.replace(&name, &block));
                }
                return false;
            }
            if let Some(name) = text.strip_prefix("SECTION ") {
                *open = Some((name.trim().to_owned(), raw.to_vec()));
                return false;
            }
        }
        if text.is_empty() || text.starts_with('#') {
            return false;
        }
        if matches!(self.mode, Mode::Parameters)
            && let Some((place, value)) = text.split_once('=')
            && let Some((section, key)) = place.split_once('/')
        {
            self.write(section, |ram| match key.split_once('/') {
                Some((profile, key)) => ram.set_profile(section, profile, key, value),
                None => ram.set(section, key, value),
            });
            return false;
        }
        self.mode = Mode::Commands;
        self.command(&text.split_whitespace().collect::<Vec<_>>())
    }

    fn command(&mut self, words: &[&str]) -> bool {
        match words {
            ["helo"] => {}
            ["quit"] => return true,
            ["view", "configfile"] => self.answer.push(self.memory.ram.bytes()),
            ["view", "section", name] => match self.memory.ram.section(name) {
                Some(section) => self.answer.push(section),
                None => self.say(&format!("#error: no section {name}")),
            },
            ["write", "params"] => self.mode = Mode::Parameters,
            ["write"] => self.mode = Mode::Sections(None),
            ["update"] if self.has(Fault::Lies) || self.has(Fault::NeverUpdates) => {}
            ["update"] => self.memory.apply(),
            ["store"] if self.has(Fault::Lies) || self.has(Fault::ForgetsOnStore) => {}
            ["store"] => self.memory.flash = self.memory.ram.clone(),
            ["reset", what @ ..] => self.take_back(&configs::factory(self.line), what),
            ["restore", what @ ..] => self.take_back(&self.memory.flash.clone(), what),
            ["reboot"] => self.reboots = true,
            ["help"] => self
                .say("helo quit view write append delete reset restore store update reboot help"),
            // The syntax of `append` and `delete` is unknown, so they fail like any unknown word. INVENTED: how.
            _ => self.say(&format!("#error: unknown command {}", words.join(" "))),
        }
        false
    }

    /// Takes sections from another configuration: all, only those named, or all but those named.
    fn take_back(&mut self, source: &Configuration, what: &[&str]) {
        let (only, names) = match what {
            ["configfile"] => return self.write("", |ram| *ram = source.clone()),
            ["section", names @ ..] => (true, names),
            ["exceptsection", names @ ..] => (false, names),
            _ => return self.say("#error: say configfile, section or exceptsection"),
        };
        self.write("", |ram| {
            let mut all: Vec<String> =
                source.names().chain(ram.names()).map(str::to_owned).collect();
            all.sort_unstable();
            all.dedup();
            for name in all.iter().filter(|name| names.contains(&name.as_str()) == only) {
                match source.section(name) {
                    Some(block) => ram.replace(name, &block),
                    None => ram.remove(name),
                }
            }
        });
    }

    fn write(&mut self, section: &str, change: impl FnOnce(&mut Configuration)) {
        let faults = Arc::clone(&self.memory.faults);
        let ignored = |fault| matches!(fault, Fault::Ignores(deaf) if deaf == section);
        if self.has(Fault::Lies) || faults.at("/admin/remoteconfig").any(ignored) {
            return;
        }
        change(&mut self.memory.ram);
        if self.has(Fault::Meddles) {
            self.memory.ram.set("ethernet", "ZEROCONF", "NO");
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.memory.faults.has("/admin/remoteconfig", fault)
    }

    fn say(&mut self, line: &str) {
        self.answer.push(Bytes::from(format!("{line}\n")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::mobotix::Faults;

    fn memory(faults: Faults) -> Memory {
        let flash = Configuration::new(
            &b"#:MXCFG2.0==\n#:MX-V4.7.3.11-r4\nSECTION a\nK=1\nENDSECTION a\nSECTION b\nL=1\nENDSECTION b\n"[..],
        );
        Memory::new(flash, faults)
    }

    fn say(memory: &mut Memory, body: &str) -> String {
        let response = run(memory, Line::P3, body.as_bytes());
        String::from_utf8(response.body.concat()).unwrap()
    }

    #[test]
    fn the_configuration_is_the_answer_minus_four_lines_and_three() {
        let mut memory = memory(Faults::none());
        let answer = say(&mut memory, "\nhelo\nview configfile\nquit\n\n");
        assert!(answer.starts_with("#read::"));
        let lines: Vec<&str> = answer.split_inclusive('\n').collect();
        assert_eq!(lines[4..lines.len() - 3].concat().as_bytes(), memory.flash.bytes());
    }

    #[test]
    fn a_write_changes_ram_and_a_store_changes_flash() {
        let mut memory = memory(Faults::none());
        say(&mut memory, "helo\nwrite params\na/K=2\nview section a\nquit\n ");
        assert_eq!(memory.ram.value("a", "K").as_deref(), Some("2"));
        assert_eq!(memory.flash.value("a", "K").as_deref(), Some("1"));
        say(&mut memory, "helo\nstore\nquit\n");
        assert_eq!(memory.flash, memory.ram);
    }

    #[test]
    fn whole_sections_are_replaced_and_the_rest_stays() {
        let mut memory = memory(Faults::none());
        let block = "helo\nwrite\n# a comment\nSECTION a\nupdate\nM=2\nENDSECTION a\nview section b\nquit\n";
        let answer = say(&mut memory, block);
        assert_eq!(memory.ram.lines("a"), ["update", "M=2"]);
        assert!(answer.contains("L=1"), "{answer}");
    }

    #[test]
    fn restore_except_a_section_keeps_that_section() {
        let mut memory = memory(Faults::none());
        say(&mut memory, "helo\nwrite params\na/K=2\nb/L=2\nrestore exceptsection b\nquit\n");
        assert_eq!(memory.ram.value("a", "K").as_deref(), Some("1"));
        assert_eq!(memory.ram.value("b", "L").as_deref(), Some("2"));
    }

    #[test]
    fn liars_and_forgetful_cameras_answer_alike_and_do_less() {
        let told = "helo\nwrite params\na/K=2\nupdate\nstore\nquit\n";
        let honest = say(&mut memory(Faults::none()), told);
        for (fault, ram) in [(Fault::Lies, "1"), (Fault::ForgetsOnStore, "2")] {
            let mut memory = memory(Faults::none().with(fault));
            assert_eq!(say(&mut memory, told), honest);
            assert_eq!(memory.ram.value("a", "K").as_deref(), Some(ram));
            assert_eq!(memory.flash.value("a", "K").as_deref(), Some("1"));
        }
    }

    #[test]
    fn an_unknown_command_is_an_error_line_and_nothing_more() {
        let mut memory = memory(Faults::none());
        let answer = say(&mut memory, "helo\nappend a\nview section c\nquit\nreboot\n");
        assert!(answer.contains("#error: unknown command append a\n#error: no section c\n"));
        assert!(answer.ends_with(TRAILER));
    }
}
