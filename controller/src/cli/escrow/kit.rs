//! The break-glass kit: secrets in escrow as a file, still sealed, to be opened with recovery keys when agent and
//! controller are gone.
//!
//! One JSON object a line: first what it is (`{"kit":{…}}`), then the secrets (`{"secret":{…}}`), at last how many there
//! are (`{"end":{"secrets":3}}`), so that a file that was cut off is noticed. Each of a secret's `copies` holds the same:
//! `sealed` is an age file in base64; behind it, where `layers` has more than one, lies the next age file. The age tool
//! alone opens it. A line that is damaged costs the secret on it, and no other.

use std::io::{BufRead, Read as _, Write};
use std::path::Path;

use proto::{
    DeviceName, EscrowRecord, Organisation, SealedCopy, SecretId, SecretKind, SiteName, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::cli::files;
use crate::cli::stop::Stop;

/// What the first line says.
const FORM: &str = "palisade kit 1";
/// What it says in other versions of this program.
const FORMS: &str = "palisade kit ";
/// Largest kit, in bytes.
const MAX_KIT: u64 = 8 << 30;
/// Longest line, in bytes: a record of the most bytes in base64.
const MAX_LINE: u64 = 512 << 10;
/// Most secrets.
const MAX_SECRETS: usize = 2_000_000;

/// What a kit is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    form: String,
    /// Whose.
    pub organisation: Organisation,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A secret in a kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Where.
    pub site: SiteName,
    /// Which.
    pub id: SecretId,
    /// Of which device; `None` for what the whole site shares.
    pub device: Option<DeviceName>,
    /// What it is for.
    pub kind: SecretKind,
    /// The account on the device; empty if it is of none.
    pub account: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Which recovery recipients it is sealed to.
    pub recipients_generation: u64,
    /// Any one of them is enough.
    pub copies: Vec<SealedCopy>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    secrets: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Kit(Head),
    Secret(Sealed),
    End(End),
}

impl Sealed {
    /// As it came from the controller.
    pub fn new(site: SiteName, record: EscrowRecord) -> Self {
        let EscrowRecord { id, device, kind, account, made_at, recipients_generation, copies } =
            record;
        Self { site, id, device, kind, account, made_at, recipients_generation, copies }
    }

    /// For messages: what it is and where.
    pub fn words(&self) -> String {
        let of = self.device.as_ref().map_or(self.site.as_str(), DeviceName::as_str);
        let account = match self.account.as_str() {
            "" => String::new(),
            account => format!(" for {account}"),
        };
        format!("{}{account} of {of} ({})", self.kind.as_str(), self.id)
    }
}

/// Writes a kit.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    secrets: usize,
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// Those of the output.
    pub fn begin(out: W, organisation: Organisation, now: Timestamp) -> std::io::Result<Self> {
        let mut writer = Self { out, secrets: 0 };
        let head = Head { form: FORM.to_owned(), organisation, made_at: now };
        writer.line(&Line::Kit(head))?;
        Ok(writer)
    }

    /// Adds a secret.
    ///
    /// # Errors
    /// Those of the output.
    pub fn add(&mut self, secret: Sealed) -> std::io::Result<()> {
        self.secrets += 1;
        self.line(&Line::Secret(secret))
    }

    /// Ends it; gives the output, and how many secrets there are.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> std::io::Result<(W, usize)> {
        self.line(&Line::End(End { secrets: self.secrets }))?;
        self.out.flush()?;
        Ok((self.out, self.secrets))
    }

    fn line(&mut self, line: &Line) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

/// Reads a kit, line by line.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    /// What it says it is.
    pub head: Head,
    number: usize,
    secrets: usize,
    is_over: bool,
}

impl Reader<std::io::BufReader<std::fs::File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// One that is missing or too large, or no kit.
    pub fn open(path: &Path) -> Result<Self, Stop> {
        let file = files::open("the kit", path, MAX_KIT)?;
        Self::begin(std::io::BufReader::new(file))
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads what it is.
    ///
    /// # Errors
    /// [`Stop::Usage`] for what is no kit, or a newer version's.
    pub fn begin(mut from: R) -> Result<Self, Stop> {
        #[derive(Deserialize)]
        struct Other {
            kit: OtherHead,
        }
        #[derive(Deserialize)]
        struct OtherHead {
            form: String,
        }
        let none = || Stop::Usage("this is no kit of palisade secret export".to_owned());
        let line = line(&mut from)?.ok_or_else(none)?;
        let other: Other = serde_json::from_slice(&line).map_err(|_| none())?;
        match other.kit.form.as_str() {
            FORM => {}
            form if form.starts_with(FORMS) => {
                let text =
                    "this kit was written by another version of palisade; open it with that one";
                return Err(Stop::Usage(text.to_owned()));
            }
            _ => return Err(none()),
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Kit(head)) => Ok(Self { from, head, number: 1, secrets: 0, is_over: false }),
            _ => Err(Stop::Usage("the first line of the kit is damaged".to_owned())),
        }
    }

    /// The next secret, or why it cannot be read; `None` at the end.
    ///
    /// # Errors
    /// A disk that cannot be read.
    pub fn next(&mut self) -> Result<Option<Result<Sealed, String>>, Stop> {
        if self.is_over {
            return Ok(None);
        }
        let Some(line) = line(&mut self.from)? else {
            self.is_over = true;
            let text = format!("the kit is cut off after {} secrets", self.secrets);
            return Ok(Some(Err(text)));
        };
        self.number += 1;
        if self.number > MAX_SECRETS {
            return Err(Stop::Usage(format!("the kit has more than {MAX_SECRETS} lines")));
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Secret(secret)) => {
                self.secrets += 1;
                Ok(Some(Ok(secret)))
            }
            Ok(Line::End(end)) => {
                self.is_over = true;
                let gone = end.secrets.saturating_sub(self.secrets);
                let text = format!("{gone} of the kit's {} secrets cannot be read", end.secrets);
                Ok((gone > 0).then_some(Err(text)))
            }
            // The words of the parser might repeat what stands there.
            Ok(Line::Kit(_)) | Err(_) => {
                Ok(Some(Err(format!("line {} of the kit is damaged", self.number))))
            }
        }
    }
}

/// A line without its end; `None` behind the last one. One that is too long is cut, and is no JSON then.
fn line(from: &mut impl BufRead) -> Result<Option<Vec<u8>>, Stop> {
    let failed = |error| Stop::Failed(format!("cannot read the kit: {error}"));
    let mut line = Vec::new();
    from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|byte| *byte == b'\n').is_none() && line.len() as u64 == MAX_LINE {
        from.skip_until(b'\n').map_err(failed)?;
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIT: &str = concat!(
        r#"{"kit":{"form":"palisade kit 1","organisation":"acme","made_at":"2027-01-15T08:00:00Z"}}"#,
        "\n",
        r#"{"secret":{"site":"harbour","id":"07070707070707070707070707070707","device":"yard","#,
        r#""kind":"device_password","account":"admin","made_at":"2027-01-15T08:00:00Z","#,
        r#""recipients_generation":3,"copies":[{"layers":[["age1a"]],"sealed":"YWdl"}]}}"#,
        "\n",
        r#"{"end":{"secrets":1}}"#,
        "\n",
    );

    fn secret() -> Sealed {
        let record = EscrowRecord {
            id: SecretId([7; 16]),
            device: Some("yard".parse().unwrap()),
            kind: SecretKind::DevicePassword,
            account: "admin".to_owned(),
            made_at: Timestamp::from_unix(1_800_000_000),
            recipients_generation: 3,
            copies: vec![SealedCopy {
                layers: vec![vec!["age1a".to_owned()]],
                sealed: b"age".to_vec(),
            }],
        };
        Sealed::new("harbour".parse().unwrap(), record)
    }

    /// What a kit gives, and what is wrong with it.
    fn read(kit: &[u8]) -> (Vec<Sealed>, Vec<String>) {
        let mut reader = Reader::begin(kit).unwrap();
        let (mut secrets, mut faults) = (Vec::new(), Vec::new());
        while let Some(next) = reader.next().unwrap() {
            match next {
                Ok(secret) => secrets.push(secret),
                Err(fault) => faults.push(fault),
            }
        }
        (secrets, faults)
    }

    #[test]
    fn a_kit_is_written_so_and_reads_back_for_ever() {
        let now = Timestamp::from_unix(1_800_000_000);
        let mut writer = Writer::begin(Vec::new(), "acme".parse().unwrap(), now).unwrap();
        writer.add(secret()).unwrap();
        let (bytes, secrets) = writer.finish().unwrap();
        assert_eq!((String::from_utf8(bytes).unwrap().as_str(), secrets), (KIT, 1));
        assert_eq!(read(KIT.as_bytes()), (vec![secret()], Vec::new()));
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_named_and_the_rest_is_read() {
        let end = KIT.rfind("{\"end").unwrap();
        assert_eq!(read(&KIT.as_bytes()[..end]).1, ["the kit is cut off after 1 secrets"]);
        let two = KIT.replacen("{\"secret", "{\"secret\":7}\n{\"secret", 1);
        let (secrets, faults) = read(two.replace("\"secrets\":1", "\"secrets\":2").as_bytes());
        assert_eq!(secrets.len(), 1);
        assert_eq!(
            faults,
            ["line 2 of the kit is damaged", "1 of the kit's 2 secrets cannot be read"]
        );
        let long = KIT.replacen("{\"secret", &("x".repeat(1 << 20) + "\n{\"secret"), 1);
        assert_eq!(read(long.as_bytes()).0.len(), 1);
    }

    #[test]
    fn what_is_no_kit_is_refused() {
        for (text, words) in [
            ("", "no kit"),
            ("{}", "no kit"),
            ("age-encryption.org/v1", "no kit"),
            (r#"{"kit":{"form":"palisade kit 2","more":1}}"#, "another version"),
            (r#"{"kit":{"form":"palisade kit 1","organisation":"A CME"}}"#, "first line"),
        ] {
            let refused = Reader::begin(text.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
