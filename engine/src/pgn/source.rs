//! Bytes of PGN from a file, plain or zstd, in constant memory.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;

const ZSTD_MAGIC: u32 = 0xfd2f_b528;
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;

/// Where text comes from.
pub type Input = Box<dyn Read + Send>;

type Packed = BufReader<File>;
type Frame = StreamingDecoder<Chain<Cursor<[u8; 4]>, Packed>, FrameDecoder>;

/// Open a file, and say whether it is compressed, which shows in its first bytes, not in its name.
pub fn open(path: &Path) -> io::Result<(Input, bool)> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let compressed = magic.try_into().is_ok_and(|magic| {
        let magic = u32::from_le_bytes(magic);
        magic == ZSTD_MAGIC || is_skippable(magic)
    });
    let input = BufReader::with_capacity(1 << 16, File::open(path)?);
    let source: Input = match compressed {
        true => Box::new(ZstdFrames::Between(input)),
        false => Box::new(input),
    };
    Ok((source, compressed))
}

fn is_skippable(magic: u32) -> bool {
    magic & !0xf == SKIPPABLE_MAGIC
}

/// The frames of a zstd file one after the other, as parallel compressors write them.
enum ZstdFrames {
    Between(Packed),
    Inside(Box<Frame>),
    Done,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            *self = match std::mem::replace(self, ZstdFrames::Done) {
                ZstdFrames::Done => return Ok(0),
                ZstdFrames::Between(input) => next_frame(input)?,
                ZstdFrames::Inside(mut frame) => {
                    let n = frame.read(buffer)?;
                    if n > 0 || buffer.is_empty() {
                        *self = ZstdFrames::Inside(frame);
                        return Ok(n);
                    }
                    ZstdFrames::Between(frame.into_inner().into_inner().1)
                }
            };
        }
    }
}

/// The frame or skippable frame that starts here, or the end of the file.
fn next_frame(mut input: Packed) -> io::Result<ZstdFrames> {
    let mut magic = Vec::new();
    input.by_ref().take(4).read_to_end(&mut magic)?;
    if magic.is_empty() {
        return Ok(ZstdFrames::Done);
    }
    let magic: [u8; 4] = magic.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?;
    if is_skippable(u32::from_le_bytes(magic)) {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let skipped = input.by_ref().take(u32::from_le_bytes(length).into());
        io::copy(&mut { skipped }, &mut io::sink())?;
        return Ok(ZstdFrames::Between(input));
    }
    let frame = StreamingDecoder::new(Cursor::new(magic).chain(input)).map_err(io::Error::other)?;
    Ok(ZstdFrames::Inside(Box::new(frame)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn read(name: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::write(&path, bytes)?;
        let mut all = Vec::new();
        let result = open(&path).and_then(|(mut source, _)| source.read_to_end(&mut all));
        std::fs::remove_file(&path)?;
        result.map(|_| all)
    }

    fn compressed(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
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
    fn a_truncated_frame_is_an_error() {
        let file = compressed(&b"1. e4 e5 ".repeat(1000));
        assert!(read("truncated", &file[..file.len() - 5]).is_err());
        assert!(read("garbage", &[&file[..], b"xyz"].concat()).is_err());
    }
}
