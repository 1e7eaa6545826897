use super::hash;
use crate::domain::inference::ModelIdentity;

/// Longest vector that is made, whatever is asked for: a guard, the dialects refuse such requests earlier.
const MOST_DIMENSIONS: usize = 65_536;
/// What a word weighs, and what each three characters of it weigh.
const WORD: f32 = 1.0;
const TRIGRAM: f32 = 0.5;
/// Stands before and after a word in its trigrams.
const EDGE: char = '\u{0}';

/// The place of a text in a model's space: a unit vector of hashed words and trigrams.
///
/// Texts that share words or parts of words lie near each other; every model has a space of its own. A text without
/// any word lies at a fixed place.
pub(super) fn embed(model: &ModelIdentity, text: &str, dimensions: usize) -> Vec<f32> {
    let seed = hash::mix(hash::fnv1a(hash::START, model.id.as_bytes()));
    let mut space = Space { seed, vector: vec![0.0; dimensions.min(MOST_DIMENSIONS)] };
    let mut word = Word::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            word.push(character, &mut space);
        } else {
            word.end(&mut space);
            if !character.is_whitespace() {
                space.add(hash::fnv1a(hash::START, character.encode_utf8(&mut [0; 4]).as_bytes()), WORD);
            }
        }
    }
    word.end(&mut space);
    space.into_unit_vector()
}

/// A vector under construction.
struct Space {
    seed: u64,
    vector: Vec<f32>,
}

impl Space {
    fn add(&mut self, feature: u64, weight: f32) {
        let hash = hash::mix(self.seed ^ feature);
        if let Some(place) = self.place(hash) {
            *place += if hash >> 63 == 0 { weight } else { -weight };
        }
    }

    fn place(&mut self, hash: u64) -> Option<&mut f32> {
        let index = hash.checked_rem(self.vector.len() as u64)?;
        self.vector.get_mut(usize::try_from(index).ok()?)
    }

    fn into_unit_vector(mut self) -> Vec<f32> {
        let length = self.vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > f32::EPSILON {
            for value in &mut self.vector {
                *value /= length;
            }
        } else {
            self.vector.fill(0.0);
            if let Some(place) = self.place(self.seed) {
                *place = 1.0;
            }
        }
        self.vector
    }
}

/// The word being read: its hash so far and its last two characters.
struct Word {
    hash: u64,
    before: [char; 2],
}

impl Word {
    fn new() -> Self {
        Self { hash: hash::START, before: [EDGE; 2] }
    }

    fn push(&mut self, character: char, space: &mut Space) {
        self.hash = hash::fnv1a(self.hash, character.encode_utf8(&mut [0; 4]).as_bytes());
        self.trigram(character, space);
    }

    fn end(&mut self, space: &mut Space) {
        if self.hash != hash::START {
            space.add(self.hash, WORD);
            self.trigram(EDGE, space);
        }
        *self = Self::new();
    }

    fn trigram(&mut self, character: char, space: &mut Space) {
        let [first, second] = self.before;
        self.before = [second, character];
        if second != EDGE {
            let hash = [first, second, character]
                .iter()
                .fold(hash::START, |hash, character| hash::fnv1a(hash, &u32::from(*character).to_le_bytes()));
            space.add(hash, TRIGRAM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str) -> ModelIdentity {
        ModelIdentity {
            id: id.into(),
            family: "Bedrock".into(),
            dimensions: 1024,
            context_tokens: None,
            thinks: false,
            hears: false,
        }
    }

    fn place(text: &str) -> Vec<f32> {
        embed(&model("cohere_english_v3"), text, 256)
    }

    fn similarity(one: &str, other: &str) -> f32 {
        place(one).iter().zip(place(other)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn vectors_have_unit_length_and_the_dimensions_asked_for() {
        for text in ["a red apple", "", " \n", "日本語", "🙂🙂", "!!!", "x"] {
            for dimensions in [1, 2, 256, 1024] {
                let vector = embed(&model("m"), text, dimensions);
                let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
                assert_eq!(vector.len(), dimensions);
                assert!((length - 1.0).abs() < 1e-5, "{text:?} in {dimensions}: {length}");
            }
        }
        assert!(embed(&model("m"), "no room", 0).is_empty());
    }

    #[test]
    fn the_same_text_has_the_same_place_and_another_model_another() {
        assert_eq!(place("a red apple"), place("a red apple"));
        assert_eq!(place("A RED apple"), place("a red apple"));
        assert_ne!(place("a red apple"), embed(&model("text-embedding-005"), "a red apple", 256));
        assert_ne!(place(""), embed(&model("text-embedding-005"), "", 256));
        assert_ne!(place("a red apple"), place("a red pear"));
    }

    #[test]
    fn similar_texts_lie_nearer() {
        let near = similarity("a red apple", "the red apples");
        let far = similarity("a red apple", "quarterly tax report");
        assert!(near > far + 0.2, "{near} against {far}");
    }
}
