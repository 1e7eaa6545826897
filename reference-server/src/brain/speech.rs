use super::{hash, sentence};

/// An answer in the making: what the brain says itself may be styled, what it quotes stays as it is.
pub(super) struct Speech<'a> {
    pieces: Vec<Piece<'a>>,
}

enum Piece<'a> {
    Spoken(String),
    Quoted(&'a str),
}

impl<'a> Speech<'a> {
    /// A speech of the brain's own words.
    pub(super) fn spoken(text: String) -> Self {
        Self { pieces: vec![Piece::Spoken(text)] }
    }

    /// Goes on in the brain's own words.
    pub(super) fn say(&mut self, text: &str) {
        if let Some(Piece::Spoken(spoken)) = self.pieces.last_mut() {
            spoken.push_str(text);
        } else {
            self.pieces.push(Piece::Spoken(text.to_owned()));
        }
    }

    /// Goes on with a text that no style may touch.
    pub(super) fn quote(&mut self, text: &'a str) {
        self.pieces.push(Piece::Quoted(text));
    }

    /// Puts a sentence before everything.
    pub(super) fn open_with(&mut self, text: &str) {
        if let Some(Piece::Spoken(spoken)) = self.pieces.first_mut() {
            spoken.insert_str(0, &format!("{text} "));
        } else {
            self.pieces.insert(0, Piece::Spoken(format!("{text} ")));
        }
    }

    /// Puts a sentence after everything.
    pub(super) fn close_with(&mut self, text: &str) {
        self.say(" ");
        self.say(text);
    }

    /// Takes the last full stop away, so that the last sentence can go on.
    pub(super) fn drop_full_stop(&mut self) {
        if let Some(Piece::Spoken(spoken)) = self.pieces.last_mut()
            && spoken.ends_with('.')
        {
            spoken.pop();
        }
    }

    /// Ends every sentence with a word; the last one with a full stop, whatever ended it before.
    pub(super) fn end_sentences_with(&mut self, word: &str) {
        if let Some(Piece::Spoken(spoken)) = self.pieces.last_mut() {
            let end = spoken.trim_end().trim_end_matches(sentence::TERMINALS).len();
            spoken.truncate(end);
        }
        for piece in &mut self.pieces {
            if let Piece::Spoken(spoken) = piece {
                *spoken = sentence::end_inner_sentences(spoken, word);
            }
        }
        self.say(", ");
        self.say(word);
        self.say(".");
    }

    /// A hash of the text that is the same wherever and whenever it is said.
    pub(super) fn stable_hash(&self) -> u64 {
        self.pieces.iter().fold(hash::START, |hash, piece| hash::fnv1a(hash, piece.text().as_bytes()))
    }

    /// The whole text.
    pub(super) fn into_text(mut self) -> String {
        if let [Piece::Spoken(only)] = self.pieces.as_mut_slice() {
            return std::mem::take(only);
        }
        self.pieces.iter().map(Piece::text).collect()
    }
}

impl Piece<'_> {
    fn text(&self) -> &str {
        match self {
            Piece::Spoken(text) => text,
            Piece::Quoted(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_never_styled() {
        let mut speech = Speech::spoken("You said: \"".to_owned());
        speech.quote("One. Two! Three");
        speech.say("\". Is that so?");
        speech.end_sentences_with("meow");
        assert_eq!(speech.into_text(), "You said: \"One. Two! Three\", meow. Is that so, meow.");
    }

    #[test]
    fn a_speech_that_ends_in_a_quote_still_ends_with_the_word() {
        let mut speech = Speech::spoken("Listen. ".to_owned());
        speech.quote("Hush!");
        speech.end_sentences_with("meow");
        assert_eq!(speech.into_text(), "Listen, meow. Hush!, meow.");
    }

    #[test]
    fn the_hash_does_not_depend_on_the_pieces() {
        let mut pieces = Speech::spoken("a".to_owned());
        pieces.quote("b");
        assert_eq!(pieces.stable_hash(), Speech::spoken("ab".to_owned()).stable_hash());
    }
}
