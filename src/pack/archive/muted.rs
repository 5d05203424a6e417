//! A sink that fails once: what the archive writer tries again when it is dropped after an error has nothing to
//! complain about. It would print to the terminal, past everything that decides what a person is told.

use std::io::{Result, Seek, SeekFrom, Write};

/// Writes to another sink until that fails; from then on it takes everything and keeps nothing.
#[derive(Debug)]
pub(super) struct Muted<W> {
    inner: W,
    failed: bool,
    /// Where it is, and how long it is, as far as the archive writer can know.
    at: u64,
    end: u64,
}

impl<W: Write + Seek> Muted<W> {
    /// Around a sink that is empty.
    pub fn around(inner: W) -> Self {
        Self { inner, failed: false, at: 0, end: 0 }
    }

    /// What `attempt` answers, unless it failed before.
    fn once<T>(&mut self, instead: T, attempt: impl FnOnce(&mut W) -> Result<T>) -> Result<T> {
        if self.failed {
            return Ok(instead);
        }
        let answer = attempt(&mut self.inner);
        self.failed = answer.as_ref().is_err_and(|e| e.kind() != std::io::ErrorKind::Interrupted);
        answer
    }
}

impl<W: Write + Seek> Write for Muted<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.once(bytes.len(), |inner| inner.write(bytes))?;
        self.at += written as u64;
        self.end = self.end.max(self.at);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.once((), Write::flush)
    }
}

impl<W: Write + Seek> Seek for Muted<W> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let instead = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.end.saturating_add_signed(by),
        };
        self.at = self.once(instead, |inner| inner.seek(to))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Error};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    /// A disk with room for so many bytes.
    struct Small(Cursor<Vec<u8>>, usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let end = usize::try_from(self.0.position()).unwrap() + bytes.len();
            if end > self.1 { Err(Error::other("it is full")) } else { self.0.write(bytes) }
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl Seek for Small {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            self.0.seek(to)
        }
    }

    fn fill(zip: &mut ZipWriter<Muted<Small>>) -> zip::result::ZipResult<()> {
        for name in ["a", "b"] {
            zip.start_file(name, SimpleFileOptions::default())?;
            zip.write_all(&[7; 3000])?;
        }
        Ok(())
    }

    #[test]
    fn wherever_the_disk_is_full_the_writer_says_so_once() {
        let full = |room| ZipWriter::new(Muted::around(Small(Cursor::default(), room)));
        let mut zip = full(usize::MAX);
        fill(&mut zip).unwrap();
        let whole = zip.finish().unwrap().inner.0.into_inner();
        assert!(zip::ZipArchive::new(Cursor::new(whole.clone())).is_ok());
        for room in 0..whole.len() {
            let mut zip = full(room);
            let filled = fill(&mut zip);
            // What `finish` does is what dropping the writer does. (It may find itself closed, of which it prints nothing.)
            let told = [filled.err(), zip.finish().err()].into_iter().flatten();
            let told = told.filter(|error| error.to_string().contains("it is full")).count();
            assert_eq!(told, 1, "{room} bytes");
        }
    }
}
