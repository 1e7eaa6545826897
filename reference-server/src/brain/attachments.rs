use super::gallery::{self, Gallery, Sight};
use super::sound::Sound;
use super::{Refusal, pdf};
use crate::domain::inference::{Message, ModelIdentity, Part};

/// What the model makes of the images, files and sounds of a conversation; it looks at each of them once.
pub(super) struct Attachments {
    /// What the images of a message show together, after the message's place in the conversation.
    sights: Vec<(usize, Sight)>,
    /// The pages of each file, after its message's place.
    files: Vec<(usize, usize)>,
    /// Each sound, after its message's place.
    sounds: Vec<(usize, Sound)>,
}

impl Attachments {
    /// Looks at everything that is attached to any turn, with the model's senses.
    ///
    /// # Errors
    ///
    /// Names the first image, file or sound that cannot be read, also where a later turn asks about something else.
    pub(super) fn read(
        model: &ModelIdentity,
        messages: &[Message],
        gallery: &Gallery,
    ) -> Result<Self, Refusal> {
        let mut attachments = Self { sights: Vec::new(), files: Vec::new(), sounds: Vec::new() };
        let (mut images, mut pixels) = (0, 0);
        for (place, message) in messages.iter().enumerate() {
            for part in &message.parts {
                match part {
                    Part::Text(_) | Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
                    Part::Image(image) => {
                        images += 1;
                        let sight = gallery.see(image, &mut pixels);
                        let sight = sight.map_err(|problem| Refusal::Image { number: images, problem })?;
                        attachments.add(place, sight);
                    }
                    Part::File(file) => {
                        let number = attachments.files.len() + 1;
                        let pages = pdf::pages(&file.bytes);
                        let pages = pages.map_err(|problem| Refusal::File { number, problem })?;
                        attachments.files.push((place, pages));
                    }
                    Part::Audio(_) if !model.hears => return Err(Refusal::Deaf),
                    Part::Audio(audio) => {
                        let number = attachments.sounds.len() + 1;
                        let sound = Sound::of(audio);
                        let sound = sound.map_err(|problem| Refusal::Audio { number, problem })?;
                        attachments.sounds.push((place, sound));
                    }
                }
            }
        }
        Ok(attachments)
    }

    fn add(&mut self, place: usize, sight: Sight) {
        match self.sights.last_mut() {
            Some((last, together)) if *last == place => together.join(&sight),
            _ => self.sights.push((place, sight)),
        }
    }

    /// What the images of the message at a place show.
    pub(super) fn sight_at(&self, place: usize) -> Option<&Sight> {
        self.sights.iter().find(|(at, _)| *at == place).map(|(_, sight)| sight)
    }

    /// What the images of the most recent message before a place show.
    pub(super) fn last_sight_before(&self, place: usize) -> Option<&Sight> {
        self.sights.iter().rev().find(|(at, _)| *at < place).map(|(_, sight)| sight)
    }

    /// The pages of each file of the message at a place.
    pub(super) fn pages_at(&self, place: usize) -> impl Iterator<Item = usize> {
        self.files.iter().filter(move |(at, _)| *at == place).map(|(_, pages)| *pages)
    }

    /// The pages of all files together.
    pub(super) fn pages(&self) -> usize {
        self.files.iter().map(|(_, pages)| pages).sum()
    }

    /// The sounds of the message at a place.
    pub(super) fn sounds_at(&self, place: usize) -> impl Iterator<Item = Sound> {
        self.sounds.iter().filter(move |(at, _)| *at == place).map(|(_, sound)| *sound)
    }

    /// What all sounds together cost as a part of the prompt.
    pub(super) fn sound_tokens(&self) -> u64 {
        self.sounds.iter().map(|(_, sound)| sound.tokens()).sum()
    }
}

/// Whether a model can read a part of a message by itself.
pub(crate) fn is_readable(part: &Part) -> bool {
    match part {
        Part::Text(_) | Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => true,
        Part::Image(image) => gallery::is_readable(image),
        Part::File(file) => pdf::pages(&file.bytes).is_ok(),
        Part::Audio(audio) => Sound::of(audio).is_ok(),
    }
}
