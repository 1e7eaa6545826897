use super::gallery::BadImage;
use super::pdf::BadPdf;
use super::sound::BadSound;

/// Why the model does not take a request. The text is what a provider would say; it quotes next to nothing of what was
/// sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The prompt does not fit into the model's context.
    #[error("the input is too long for this model: at least {tokens} tokens, and its context holds {most}")]
    TooLong {
        /// Tokens that it has, or has at least.
        tokens: u64,
        /// Tokens that there is room for.
        most: u64,
    },
    /// An image shows nothing.
    #[error("image {number} of the conversation cannot be read: {problem}")]
    Image {
        /// Its place among the images, from 1.
        number: usize,
        /// What is wrong with it.
        problem: BadImage,
    },
    /// A file is not a PDF that can be opened.
    #[error("file {number} of the conversation cannot be read: {problem}")]
    File {
        /// Its place among the files, from 1.
        number: usize,
        /// What is wrong with it.
        problem: BadPdf,
    },
    /// There is a sound in the conversation, and the model cannot hear.
    #[error("this model takes no audio")]
    Deaf,
    /// A sound cannot be heard.
    #[error("sound {number} of the conversation cannot be read: {problem}")]
    Audio {
        /// Its place among the sounds, from 1.
        number: usize,
        /// What is wrong with it.
        problem: BadSound,
    },
    /// Nothing has the form that an answer or a tool's arguments are to have.
    #[error("no value is valid against the schema: {problem}")]
    Schema {
        /// What is wrong with the schema, or what no value meets.
        problem: String,
    },
    /// What there is to answer is much longer than a request like this lets expect, as often as it is to be given.
    #[error("the answers would be too long: ask for fewer of them, or for shorter ones")]
    TooMuch,
    /// A text has nothing to place in the model's space.
    #[error("text {number} is empty: there is nothing to embed")]
    Blank {
        /// Its place among the texts, from 1.
        number: usize,
    },
}
