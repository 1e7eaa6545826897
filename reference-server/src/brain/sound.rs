use std::fmt;

use crate::domain::inference::Audio;

/// What stands before a chunk of a RIFF file: its name and its length, each of four bytes.
const CHUNK_HEAD: usize = 8;

/// Why a sound is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSound {
    /// It is neither `wav` nor `mp3`.
    #[error("its format is neither wav nor mp3")]
    Format,
    /// Its bytes are not of the format that it is said to have.
    #[error("it is not of the format that it is said to have, or damaged")]
    Damaged,
}

/// What the model hears of a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    /// It lasts so many milliseconds.
    Lasting(u32),
    /// It has so many bytes, and nothing in its head says how long it lasts.
    Compressed(usize),
}

impl Sound {
    /// Listens to a sound, as far as its head goes.
    pub(super) fn of(audio: &Audio) -> Result<Self, BadSound> {
        let format = audio.format.rsplit('/').next().unwrap_or_default();
        match format.strip_prefix("x-").unwrap_or(format) {
            "wav" | "wave" => wav(&audio.bytes).map(Self::Lasting).ok_or(BadSound::Damaged),
            "mp3" | "mpeg" if is_mp3(&audio.bytes) => Ok(Self::Compressed(audio.bytes.len())),
            "mp3" | "mpeg" => Err(BadSound::Damaged),
            _ => Err(BadSound::Format),
        }
    }

    /// What it costs as a part of a prompt. A second is ten tokens, as OpenAI counts what is said to a model. Where the
    /// length is not known, 1,000 bytes are one: a tenth of a second at the 80 kbit/s that speech often has.
    pub(super) fn tokens(self) -> u64 {
        match self {
            Self::Lasting(milliseconds) => u64::from(milliseconds.div_ceil(100)),
            Self::Compressed(bytes) => bytes.div_ceil(1_000) as u64,
        }
    }
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lasting(milliseconds) => write!(f, "{} seconds", f64::from(*milliseconds) / 1_000.0),
            Self::Compressed(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}

/// How many milliseconds a WAV file lasts: what its `data` holds at the rate that its `fmt ` states.
fn wav(bytes: &[u8]) -> Option<u32> {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let mut rest = bytes.get(12..)?;
    let mut rate = None;
    loop {
        let name = rest.get(..4)?;
        let length = usize::try_from(number(rest, 4)?).ok()?;
        let content = rest.get(CHUNK_HEAD..)?;
        match name {
            b"fmt " => rate = number(content, 8).filter(|rate| *rate > 0),
            // One who streams states a length that is never reached.
            b"data" => {
                let held = u64::try_from(content.len().min(length)).ok()?;
                return u32::try_from(held * 1_000 / u64::from(rate?)).ok();
            }
            _ => {}
        }
        // Each chunk begins at an even place.
        rest = content.get(length.checked_add(length % 2)?..)?;
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Whether it begins as MP3 does: with a tag, or with the sync word of a frame of MPEG audio, layer III.
fn is_mp3(bytes: &[u8]) -> bool {
    match bytes {
        [b'I', b'D', b'3', ..] => true,
        [0xff, second, ..] => second & 0b1110_0110 == 0b1110_0010 && second & 0b0001_1000 != 0b0000_1000,
        _ => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;

    use super::*;

    /// Silence of so many milliseconds, in 8 bits and 8,000 samples a second.
    pub(in super::super) fn silence(milliseconds: u32) -> Vec<u8> {
        let samples = milliseconds * 8;
        let mut wav = b"RIFF".to_vec();
        wav.extend((36 + samples).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        wav.extend(8_000_u32.to_le_bytes());
        wav.extend(8_000_u32.to_le_bytes());
        wav.extend(b"\x01\0\x08\0data");
        wav.extend(samples.to_le_bytes());
        wav.resize(wav.len() + usize::try_from(samples).unwrap(), 0x80);
        wav
    }

    fn listen(format: &str, bytes: impl Into<Bytes>) -> Result<Sound, BadSound> {
        Sound::of(&Audio { format: format.to_owned(), bytes: bytes.into() })
    }

    #[test]
    fn the_length_of_a_wav_is_in_its_head() {
        let sound = listen("wav", silence(1_510)).unwrap();
        assert_eq!(
            (sound, sound.tokens(), sound.to_string().as_str()),
            (Sound::Lasting(1_510), 16, "1.51 seconds")
        );
        let mut streamed = silence(2_000);
        streamed[40..44].fill(0xff);
        assert_eq!(listen("audio/x-wav", streamed), Ok(Sound::Lasting(2_000)));
        let mut with_list = silence(500);
        drop(with_list.splice(12..12, *b"LIST\x03\0\0\0abc\0"));
        assert_eq!(listen("wav", with_list), Ok(Sound::Lasting(500)));
    }

    #[test]
    fn what_is_no_sound_is_damaged() {
        let whole = silence(100);
        for damaged in
            [&b""[..], b"RIFF\0\0\0\0WAVE", b"ID3", &whole[..30], &[&b"RIFX"[..], &whole[4..]].concat()[..]]
        {
            assert_eq!(listen("wav", damaged.to_vec()), Err(BadSound::Damaged), "{damaged:?}");
        }
        let mut endless = silence(100);
        endless[28..32].fill(0);
        assert_eq!(listen("wav", endless), Err(BadSound::Damaged));
        assert_eq!(listen("flac", whole), Err(BadSound::Format));
    }

    #[test]
    fn an_mp3_is_known_by_its_first_bytes() {
        let mut frame = vec![0_u8; 2_001];
        frame[..2].copy_from_slice(&[0xff, 0xfb]);
        let sound = listen("mp3", frame).unwrap();
        assert_eq!(
            (sound, sound.tokens(), sound.to_string().as_str()),
            (Sound::Compressed(2_001), 3, "2001 bytes")
        );
        assert_eq!(listen("audio/mpeg", &b"ID3\x04"[..]), Ok(Sound::Compressed(4)));
        for other in [&[0xff_u8, 0xff][..], &[0xff, 0x1b], &[0xff, 0xeb], &[0xff], b"RIFF"] {
            assert_eq!(listen("mp3", other.to_vec()), Err(BadSound::Damaged), "{other:?}");
        }
    }
}
