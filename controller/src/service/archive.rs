//! A tar archive of plain files (POSIX.1-1988 ustar), so that people can open a backup with the age and tar tools alone.
//! Only what is written here is read back: anything but a plain file with a short plain path is refused.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;
/// Longest path.
const MAX_NAME: usize = 99;
/// Largest file, in bytes: eleven octal digits.
const MAX_SIZE: u64 = (1 << 33) - 1;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not an archive of ours, or altered.
    #[error("what is inside is no archive of this program")]
    Damaged,
    /// It ends too early, or reading failed.
    #[error("reading it failed: it is cut off or damaged")]
    Io(#[from] io::Error),
}

/// Writes an archive.
pub(super) struct Writer<W: Write>(W);

impl<W: Write> Writer<W> {
    /// Begins one.
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    /// Adds a file of `size` bytes, which are read from `from`.
    pub(super) fn add(&mut self, name: &str, size: u64, from: &mut dyn Read) -> io::Result<()> {
        self.0.write_all(&header(name, size)?)?;
        let copied = io::copy(&mut from.take(size), &mut self.0)?;
        if copied != size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        self.0.write_all(&[0; BLOCK][..padding(size)])
    }

    /// Ends it: two empty blocks.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        Ok(self.0)
    }
}

/// Reads an archive, one file after the other.
pub(super) struct Reader<R: Read> {
    from: R,
    left: u64,
    padding: usize,
}

impl<R: Read> Reader<R> {
    /// Begins to read.
    pub(super) fn new(from: R) -> Self {
        Self { from, left: 0, padding: 0 }
    }

    /// Path and size of the next file, whose bytes are then read from this reader; `None` at the end, when everything
    /// that follows was read as well, so that what vouches for the bytes has seen them all.
    pub(super) fn next_file(&mut self) -> Result<Option<(String, u64)>, ArchiveError> {
        io::copy(self, &mut io::sink())?;
        self.from.read_exact(&mut [0; BLOCK][..self.padding])?;
        self.padding = 0;
        let mut block = [0; BLOCK];
        self.from.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            self.from.read_exact(&mut block)?;
            let more = io::copy(&mut self.from, &mut io::sink())?;
            let end = block.iter().all(|byte| *byte == 0) && more == 0;
            return if end { Ok(None) } else { Err(ArchiveError::Damaged) };
        }
        let (name, size) = read_header(&block).ok_or(ArchiveError::Damaged)?;
        (self.left, self.padding) = (size, padding(size));
        Ok(Some((name, size)))
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        // An empty read is not passed on: what opens sealed files takes it for the end of a piece.
        if most == 0 {
            return Ok(0);
        }
        let count = self.from.read(&mut into[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn padding(size: u64) -> usize {
    let past = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    (BLOCK - past) % BLOCK
}

fn header(name: &str, size: u64) -> io::Result<[u8; BLOCK]> {
    if name.len() > MAX_NAME || size > MAX_SIZE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for an archive"));
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum = format!("{:06o}\0 ", checksum(&block));
    block[148..156].copy_from_slice(sum.as_bytes());
    Ok(block)
}

/// The sum of all bytes, those of the sum itself taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let byte =
        |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) };
    block.iter().enumerate().map(byte).sum()
}

fn read_header(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let text = |from: usize, to: usize| {
        let field = &block[from..to];
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        std::str::from_utf8(&field[..end]).ok().map(str::trim)
    };
    let octal = |from, to| text(from, to).and_then(|digits| u64::from_str_radix(digits, 8).ok());
    let is_ours = &block[257..262] == b"ustar" && block[156] == b'0' && block[345] == 0;
    if !is_ours || octal(148, 156)? != u64::from(checksum(block)) {
        return None;
    }
    let name = text(0, 100)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
    let good = name.len() <= MAX_NAME && name.split('/').all(part);
    good.then(|| Some((name.to_owned(), octal(124, 136)?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (name, bytes) in files {
            writer.add(name, bytes.len() as u64, &mut &**bytes).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
        let (mut reader, mut files) = (Reader::new(bytes), Vec::new());
        while let Some((name, size)) = reader.next_file()? {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            assert_eq!(bytes.len() as u64, size);
            files.push((name, bytes));
        }
        Ok(files)
    }

    #[test]
    fn files_of_every_size_read_back() {
        let bytes = vec![7; 1025];
        let files = [0, 1, 511, 512, 513, 1024, 1025].map(|size| ("a/b.c", &bytes[..size]));
        let again = read(&archive(&files)).unwrap();
        let same = |(one, other): (&(&str, &[u8]), &(String, Vec<u8>))| one.1 == other.1;
        assert!(again.len() == 7 && files.iter().zip(&again).all(same));
    }

    #[test]
    fn the_tar_tool_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        std::fs::write(&path, archive(&[("authority/root.crt", b"x\n"), ("b", b"")])).unwrap();
        let mut tar = std::process::Command::new("tar");
        let told = tar.arg("-xf").arg(&path).arg("-C").arg(folder.path()).status().unwrap();
        assert!(told.success());
        assert_eq!(std::fs::read(folder.path().join("authority/root.crt")).unwrap(), b"x\n");
    }

    #[test]
    fn a_cut_or_altered_archive_is_refused() {
        let whole = archive(&[("a", &[1; 600]), ("b", b"2")]);
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
        for at in (0..155).chain(156..157).chain(257..262) {
            let mut altered = whole.clone();
            altered[at] ^= 0x41;
            assert!(read(&altered).is_err(), "{at}");
        }
        assert!(read(&[whole.clone(), vec![0]].concat()).is_err());
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for name in ["../a", "/a", "a/../b", "a//b", "", ".a", "a b", "a\\b"] {
            assert!(read(&archive(&[(name, b"x")])).is_err(), "{name:?}");
        }
    }
}
