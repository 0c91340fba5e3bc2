//! Reads what `strace -f -y -xx` wrote: which process asked what of which file, when it asked and when it had the answer.
//! Calls that failed are left out. Refuses a line that it does not understand, since a step that is missed would make
//! the model kinder than the disk.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The calls that are written down: all that change files, and those that sync.
pub const CALLS: &str = "trace=open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync,\
     syncfs,sync_file_range,truncate,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,\
     link,linkat,symlink,symlinkat,copy_file_range,sendfile";

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A file was opened so that it is made if it is not there, and emptied if so asked.
    Make { path: PathBuf, empties: bool },
    /// A folder was made.
    MakeFolder(PathBuf),
    /// Bytes were put into a file.
    Write { path: PathBuf, at: u64, bytes: Vec<u8> },
    /// A file was cut or made longer.
    Resize { path: PathBuf, length: u64 },
    /// A file or folder was synced; `whole` unless only a file's content and size were.
    Sync { path: PathBuf, whole: bool },
    /// A name was changed.
    Rename { from: PathBuf, to: PathBuf },
    /// A name was removed.
    Remove(PathBuf),
    /// Something was told on standard output.
    Say(String),
    /// Something without effect on files.
    Nothing,
}

/// A call began or ended. Between the two it may have happened or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Begin(usize),
    End(usize),
}

impl Step {
    /// The number of the call.
    pub fn call(self) -> usize {
        match self {
            Self::Begin(call) | Self::End(call) => call,
        }
    }
}

/// Adds what one file of `strace` says.
pub fn read(log: &Path, steps: &mut Vec<Step>, calls: &mut Vec<Call>) -> anyhow::Result<()> {
    let text = fs::read_to_string(log).context("reading what strace wrote")?;
    let mut reader = Reader::default();
    for line in text.lines() {
        reader.line(line, steps, calls).with_context(|| {
            format!("in the trace: {}", line.chars().take(200).collect::<String>())
        })?;
    }
    Ok(())
}

#[derive(Default)]
struct Reader<'a> {
    /// By process: the call that has begun, and the text of its begin.
    unfinished: HashMap<&'a str, (usize, &'a str)>,
    /// Where the next write to a file descriptor goes. The trace is of one process with threads.
    positions: HashMap<String, u64>,
}

impl<'a> Reader<'a> {
    fn line(
        &mut self,
        line: &'a str,
        steps: &mut Vec<Step>,
        calls: &mut Vec<Call>,
    ) -> anyhow::Result<()> {
        let (process, rest) = line.split_once(char::is_whitespace).context("no process")?;
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            return Ok(());
        }
        if let Some(begin) = rest.strip_suffix("<unfinished ...>") {
            steps.push(Step::Begin(calls.len()));
            self.unfinished.insert(process, (calls.len(), begin));
            calls.push(Call::Nothing);
            return Ok(());
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, end) = resumed.split_once(" resumed>").context("no end")?;
            let (number, begin) = self.unfinished.remove(process).context("no begin")?;
            calls[number] = self.call(&format!("{}{end}", begin.trim_end()))?;
            steps.push(Step::End(number));
            return Ok(());
        }
        let number = calls.len();
        calls.push(self.call(rest)?);
        steps.extend([Step::Begin(number), Step::End(number)]);
        Ok(())
    }

    fn call(&mut self, text: &str) -> anyhow::Result<Call> {
        let (name, rest) = text.split_once('(').context("no call")?;
        let (arguments, result) = rest.rsplit_once(") ").context("no result")?;
        let result = result.trim_start().strip_prefix("= ").context("no result")?;
        if result.starts_with('-') || result.starts_with('?') {
            return Ok(Call::Nothing);
        }
        let arguments: Vec<_> = arguments.split(", ").collect();
        let argument = |at: usize| arguments.get(at).copied().context("too few arguments");
        let number = |at: usize| argument(at)?.parse::<u64>().context("no number");
        Ok(match name {
            "open" | "openat" | "creat" => self.opened(text, result)?,
            "write" => {
                let (descriptor, path) = described(argument(0)?)?;
                let bytes = quoted(argument(1)?)?;
                if descriptor == "1" {
                    return Ok(Call::Say(String::from_utf8(bytes)?));
                }
                let position = self.positions.entry(descriptor.to_owned()).or_default();
                let at = *position;
                *position += bytes.len() as u64;
                Call::Write { path, at, bytes }
            }
            "pwrite64" => {
                let (path, bytes) = (described(argument(0)?)?.1, quoted(argument(1)?)?);
                Call::Write { path, at: number(3)?, bytes }
            }
            "fsync" | "fdatasync" => {
                Call::Sync { path: described(argument(0)?)?.1, whole: name == "fsync" }
            }
            "ftruncate" => Call::Resize { path: described(argument(0)?)?.1, length: number(1)? },
            "rename" => Call::Rename { from: path_of(argument(0)?)?, to: path_of(argument(1)?)? },
            "renameat" | "renameat2" => Call::Rename {
                from: path_at(argument(0)?, argument(1)?)?,
                to: path_at(argument(2)?, argument(3)?)?,
            },
            "unlink" | "rmdir" => Call::Remove(path_of(argument(0)?)?),
            "unlinkat" => Call::Remove(path_at(argument(0)?, argument(1)?)?),
            "mkdir" => Call::MakeFolder(path_of(argument(0)?)?),
            "mkdirat" => Call::MakeFolder(path_at(argument(0)?, argument(1)?)?),
            // What it is trusted to do is what our own function of that name is for.
            "sync_file_range" => Call::Nothing,
            other => bail!("{other} is not modelled"),
        })
    }

    fn opened(&mut self, text: &str, result: &str) -> anyhow::Result<Call> {
        let (descriptor, path) = described(result)?;
        self.positions.insert(descriptor.to_owned(), 0);
        let says = |flag: &str| text.contains(flag);
        if says("O_APPEND") && says("O_CREAT") {
            bail!("appending is not modelled");
        }
        let empties = says("O_TRUNC") || text.starts_with("creat(");
        Ok(if says("O_CREAT") || empties { Call::Make { path, empties } } else { Call::Nothing })
    }
}

/// The number and the file of `3<\x2f...>`.
fn described(text: &str) -> anyhow::Result<(&str, PathBuf)> {
    let (number, rest) = text.split_once('<').context("no descriptor")?;
    let (path, _) = rest.split_once('>').context("no descriptor's path")?;
    Ok((number, unescaped_path(path)?))
}

fn path_of(text: &str) -> anyhow::Result<PathBuf> {
    Ok(String::from_utf8(quoted(text)?)?.into())
}

/// A path that may be relative to an open folder.
fn path_at(folder: &str, path: &str) -> anyhow::Result<PathBuf> {
    let (_, rest) = folder.split_once('<').context("no folder")?;
    let (folder, _) = rest.split_once('>').context("no folder's path")?;
    Ok(unescaped_path(folder)?.join(path_of(path)?))
}

fn unescaped_path(text: &str) -> anyhow::Result<PathBuf> {
    // Pipes and sockets are described in plain text.
    if !text.starts_with("\\x") {
        return Ok(text.into());
    }
    Ok(String::from_utf8(unescaped(text)?)?.into())
}

fn quoted(text: &str) -> anyhow::Result<Vec<u8>> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    unescaped(inner.context("no text, or one that strace cut")?)
}

fn unescaped(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    for escaped in text.as_bytes().chunks(4) {
        let digits = escaped.strip_prefix(b"\\x").context("a text that is not escaped")?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits)?, 16)?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_threads_that_overlap_are_told_apart() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let text = r#"7 openat(AT_FDCWD<\x2f>, "\x61", O_RDWR|O_CREAT, 0600) = 3<\x2f\x61>
7 write(3<\x2f\x61>, "\x68\x69", 2) = 2
7 pwrite64(3<\x2f\x61>, "\x00\xff", 2, 9 <unfinished ...>
8 unlink("\x2f\x62") = -1 ENOENT (No such file or directory)
8 fdatasync(3<\x2f\x61>)   = 0
7 <... pwrite64 resumed>) = 2
7 write(1<pipe:[1]>, "\x6f\x6b\x0a", 3) = 3
7 +++ exited with 0 +++
"#;
        fs::write(log.path(), text).unwrap();
        let (mut steps, mut calls) = (Vec::new(), Vec::new());
        read(log.path(), &mut steps, &mut calls).unwrap();
        let path = PathBuf::from("/a");
        let expected = [
            Call::Make { path: path.clone(), empties: false },
            Call::Write { path: path.clone(), at: 0, bytes: b"hi".to_vec() },
            Call::Write { path: path.clone(), at: 9, bytes: vec![0, 255] },
            Call::Nothing,
            Call::Sync { path, whole: false },
            Call::Say("ok\n".to_owned()),
        ];
        assert_eq!(calls, expected);
        assert_eq!(
            steps[4..=9],
            [
                Step::Begin(2),
                Step::Begin(3),
                Step::End(3),
                Step::Begin(4),
                Step::End(4),
                Step::End(2),
            ]
        );
    }
}
