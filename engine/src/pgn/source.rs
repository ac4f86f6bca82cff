//! Bytes of text from a file, plain or compressed, in constant memory.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

/// Where text comes from.
pub type Input = Box<dyn Read + Send>;

/// A file whose first bytes were looked at.
type Packed = BufReader<Chain<Cursor<Vec<u8>>, Counted>>;

const ZSTD_MAGIC: u32 = 0xfd2f_b528;
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;

/// Most bytes that say what a file is.
const LONGEST_MAGIC: u64 = 8;

/// What is refused: first bytes, name, and the command that makes text of it.
const REFUSED: [(&[u8], &str, &str); 10] = [
    (b"\xfd7zXZ\0", "xz", "xz -dc FILE"),
    (b"\x5d\0\0", "lzma", "xz -dc FILE"),
    (b"PK\x03\x04", "a zip archive", "unzip -p FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z e -so FILE"),
    (b"Rar!\x1a\x07", "a rar archive", "unrar p -inul FILE"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc FILE"),
    (b"\x1f\x9d", "compress (.Z)", "gzip -dc FILE"),
    (
        b"\xff\xfe",
        "text in UTF-16",
        "iconv -f UTF-16 -t UTF-8 FILE",
    ),
    (
        b"\xfe\xff",
        "text in UTF-16",
        "iconv -f UTF-16 -t UTF-8 FILE",
    ),
    (b"Scid.si", "a Scid database", "sc_epgn FILE"),
];

/// A file that says how many of its bytes were read.
struct Counted {
    file: File,
    n_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.n_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The text of a file.
pub struct Opened {
    pub source: Input,
    pub is_compressed: bool,
    /// Bytes of text that were left out.
    pub skipped: u64,
    /// Bytes of the file that were read or left out so far.
    pub n_read: Arc<AtomicU64>,
}

/// Open a file, up to this many bytes behind its start where one can go there at once. Whether it
/// is compressed shows in its first bytes, not in its name.
pub fn open(path: &Path, skip: u64) -> io::Result<Opened> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    file.by_ref().take(LONGEST_MAGIC).read_to_end(&mut magic)?;
    let compression = compression(&magic)?;
    if compression.is_none() && skip > 0 {
        file.seek(SeekFrom::Start(skip))?;
        magic.clear();
    }
    let skipped = if compression.is_none() { skip } else { 0 };
    let n_read = Arc::new(AtomicU64::new(skipped + magic.len() as u64));
    let file = Counted {
        file,
        n_read: n_read.clone(),
    };
    let input = BufReader::with_capacity(1 << 16, Cursor::new(magic).chain(file));
    let source: Input = match compression {
        Some(Compression::Zstd) => Box::new(Zstd(Decoder::with_buffer(input)?)),
        Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(input)),
        Some(Compression::Bzip2) => Box::new(MultiBzDecoder::new(input)),
        None => Box::new(input),
    };
    Ok(Opened {
        source,
        is_compressed: compression.is_some(),
        skipped,
        n_read,
    })
}

#[derive(Clone, Copy)]
enum Compression {
    Zstd,
    Gzip,
    Bzip2,
}

/// How a file with these first bytes is compressed; an error where it can be nothing but something
/// that is not read here.
fn compression(magic: &[u8]) -> io::Result<Option<Compression>> {
    if let Some((_, name, command)) = REFUSED.iter().find(|(bytes, ..)| magic.starts_with(bytes)) {
        return Err(io::Error::other(format!(
            "it is {name}; read are plain text, zstd, gzip and bzip2: make text of it with `{command}`"
        )));
    }
    Ok(match *magic {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Compression::Bzip2),
        [a, b, c, d, ..] if is_zstd(u32::from_le_bytes([a, b, c, d])) => Some(Compression::Zstd),
        _ => None,
    })
}

fn is_zstd(magic: u32) -> bool {
    magic == ZSTD_MAGIC || is_skippable(magic)
}

fn is_skippable(magic: u32) -> bool {
    magic & !0xf == SKIPPABLE_MAGIC
}

/// The frames of a zstd file one after the other, as parallel compressors write them.
struct Zstd(Decoder<'static, Packed>);

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let cut_off = |error: io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the file was cut off"),
            _ => error,
        };
        self.0.read(buffer).map_err(cut_off)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(name: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::write(&path, bytes)?;
        let mut all = Vec::new();
        let result = open(&path, 0).and_then(|mut opened| opened.source.read_to_end(&mut all));
        std::fs::remove_file(&path)?;
        result.map(|_| all)
    }

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn frames_are_read_one_after_the_other_and_skippable_ones_skipped() {
        let text = b"1. e4 e5 2. Nf3 Nc6 ".repeat(20_000);
        let skippable = [
            &0x184d_2a57_u32.to_le_bytes()[..],
            &3_u32.to_le_bytes(),
            b"abc",
        ];
        let file = [
            skippable.concat(),
            compressed(&text),
            compressed(b"1. d4 *"),
        ]
        .concat();
        assert_eq!(
            read("frames", &file).unwrap(),
            [&text[..], b"1. d4 *"].concat()
        );
    }

    #[test]
    fn short_and_plain_files_are_read_as_they_are() {
        for text in [&b""[..], b"1.", b"1. e4 *"] {
            assert_eq!(read("plain", text).unwrap(), text);
        }
    }

    #[test]
    fn a_frame_that_is_cut_gives_what_it_had() {
        let text = b"1. e4 e5 2. Nf3 Nc6 ".repeat(20_000);
        let file = compressed(&text);
        let path = std::env::temp_dir().join(format!("cut-{}", std::process::id()));
        std::fs::write(&path, &file[..file.len() - 5]).unwrap();
        let mut all = Vec::new();
        let mut source = open(&path, 0).unwrap().source;
        let error = source.read_to_end(&mut all).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(error.to_string(), "the file was cut off");
        assert!(all.len() >= text.len() - (1 << 17) && text.starts_with(&all));
    }

    #[test]
    fn damage_is_an_error() {
        let file = compressed(&b"1. e4 e5 ".repeat(1000));
        assert!(read("garbage", &[&file[..], b"xyz"].concat()).is_err());
        let mut damaged = file;
        *damaged.last_mut().unwrap() ^= 1;
        let error = read("damaged", &damaged).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }

    #[test]
    fn members_of_gzip_and_bzip2_are_read_one_after_the_other() {
        let parts = [&b"1. e4 "[..], b"e5 *"];
        let gzip = |text: &[u8]| {
            let mut file = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            file.write_all(text).unwrap();
            file.finish().unwrap()
        };
        let bzip2 = |text: &[u8]| {
            let mut file = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            file.write_all(text).unwrap();
            file.finish().unwrap()
        };
        assert_eq!(
            read("gz", &parts.map(gzip).concat()).unwrap(),
            b"1. e4 e5 *"
        );
        assert_eq!(
            read("bz2", &parts.map(bzip2).concat()).unwrap(),
            b"1. e4 e5 *"
        );
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        for (magic, name, command) in REFUSED {
            let error = read("refused", &[magic, b"rest"].concat()).unwrap_err();
            assert!(error.to_string().contains(name) && error.to_string().contains(command));
        }
    }
}
