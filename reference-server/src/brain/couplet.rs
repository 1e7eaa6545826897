use serde::Deserialize;
use serde_saphyr::Spanned;

use super::BrainError;
use super::fixture::Fixture;
use super::speech::Speech;

/// A pair of rhyming lines as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoupletSource {
    ending: Spanned<String>,
    first: String,
    second: String,
}

/// Pairs of rhyming lines that any answer can be made into.
pub(super) struct Couplets(Vec<Couplet>);

struct Couplet {
    /// Follows the answer in the first line.
    first: String,
    second: String,
}

impl Couplets {
    /// Sees that every pair truly rhymes: different last words with the same ending.
    pub(super) fn load(sources: Vec<CoupletSource>, fixture: Fixture) -> Result<Self, BrainError> {
        let mut couplets = Vec::with_capacity(sources.len());
        for CoupletSource { ending, first, second } in sources {
            let (above, below) = (last_word(&first), last_word(&second));
            if above == below || !above.ends_with(&ending.value) || !below.ends_with(&ending.value) {
                return Err(fixture.wrong(&ending, format!("`{above}` and `{below}` do not rhyme on it")));
            }
            couplets.push(Couplet { first, second });
        }
        Ok(Self(couplets))
    }

    /// Makes the answer the beginning of two lines that rhyme; the same answer always of the same two.
    pub(super) fn rhyme(&self, speech: &mut Speech<'_>) {
        let chosen = speech.stable_hash().checked_rem(self.0.len() as u64);
        let Some(couplet) = chosen.and_then(|index| self.0.get(usize::try_from(index).ok()?)) else { return };
        speech.drop_full_stop();
        for part in [" ", couplet.first.as_str(), "\n", couplet.second.as_str()] {
            speech.say(part);
        }
    }
}

fn last_word(line: &str) -> &str {
    line.split(|c: char| !c.is_alphabetic()).rfind(|word| !word.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: Fixture = Fixture { name: "test.yaml", text: "" };

    fn couplets(ending: &str, first: &str, second: &str) -> Result<Couplets, BrainError> {
        let ending = serde_saphyr::from_str(ending).unwrap();
        Couplets::load(
            vec![CoupletSource { ending, first: first.to_owned(), second: second.to_owned() }],
            FIXTURE,
        )
    }

    #[test]
    fn the_answer_goes_on_into_the_rhyme() {
        let mut speech = Speech::spoken("It is late.".to_owned());
        couplets("ight", "— by this light,", "good night.").unwrap().rhyme(&mut speech);
        assert_eq!(speech.into_text(), "It is late — by this light,\ngood night.");
    }

    #[test]
    fn lines_that_do_not_rhyme_are_refused() {
        assert!(couplets("ight", "a light,", "a day.").is_err());
        assert!(couplets("ight", "a light,", "no light.").is_err());
    }
}
