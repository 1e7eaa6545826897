use std::borrow::Cow;

use super::attachments::Attachments;
use super::gallery::Sight;
use super::sound::Sound;
use crate::domain::inference::{File, Image, Message, ModelIdentity, Part, Role};

/// How much of a message the patterns look at, in bytes: a long message costs them no more than a page.
const PAGE: usize = 4096;

/// A request as the rules see it: the last question, what came before, what stands above, and what is attached. What
/// tools have answered is no question.
pub(super) struct Scene<'a> {
    /// Who answers.
    pub(super) model: &'a ModelIdentity,
    /// User and assistant messages, the last question included.
    pub(super) turns: usize,
    attachments: &'a Attachments,
    /// Where the last question stands; behind everything where there is none.
    place: usize,
    question: Option<&'a Message>,
    question_text: Cow<'a, str>,
    earlier: &'a [Message],
    system: Vec<Cow<'a, str>>,
}

impl<'a> Scene<'a> {
    /// The scene of a conversation; it may be empty.
    pub(super) fn new(
        model: &'a ModelIdentity,
        messages: &'a [Message],
        attachments: &'a Attachments,
    ) -> Self {
        let last = messages.iter().rposition(is_question);
        let place = last.unwrap_or(messages.len());
        let question = messages.get(place);
        let system = messages.iter().filter(|message| message.role == Role::System).map(text_of);
        Self {
            model,
            turns: messages.iter().filter(|message| message.role != Role::System).count(),
            attachments,
            place,
            question,
            question_text: question.map(text_of).unwrap_or_default(),
            earlier: messages.get(..place).unwrap_or_default(),
            system: system.collect(),
        }
    }

    /// The last user message's whole text; nothing where there is no such message.
    pub(super) fn said(&self) -> Option<&str> {
        self.question.map(|_| &*self.question_text)
    }

    /// The first page of the last user message.
    pub(super) fn question(&self) -> &str {
        page(&self.question_text)
    }

    /// The first page of each system message.
    pub(super) fn system(&self) -> impl Iterator<Item = &str> {
        self.system.iter().map(|text| page(text))
    }

    /// Characters of all system messages; nothing where there is none.
    pub(super) fn system_characters(&self) -> Option<usize> {
        (!self.system.is_empty()).then(|| self.system.iter().map(|text| text.chars().count()).sum())
    }

    /// The first page of each message of a role before the last question, the most recent first.
    pub(super) fn earlier(&self, role: Role) -> impl Iterator<Item = Cow<'a, str>> {
        self.earlier
            .iter()
            .rev()
            .filter(move |message| message.role == role)
            .map(|message| first_page(text_of(message)))
    }

    /// How many images the last user message shows.
    pub(super) fn images_shown(&self) -> usize {
        self.question.map_or(0, |message| images(message).count())
    }

    /// What the images of the last user message show.
    pub(super) fn shown(&self) -> Option<&'a Sight> {
        self.attachments.sight_at(self.place)
    }

    /// What the images of the most recent earlier message that has any show.
    pub(super) fn recalled(&self) -> Option<&'a Sight> {
        self.attachments.last_sight_before(self.place)
    }

    /// The files of the last user message, each with its number of pages.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'a File, usize)> {
        let parts = self.question.into_iter().flat_map(|message| &message.parts);
        let files = parts.filter_map(|part| match part {
            Part::File(file) => Some(file),
            _ => None,
        });
        files.zip(self.attachments.pages_at(self.place))
    }

    /// The sounds of the last user message.
    pub(super) fn sounds(&self) -> impl Iterator<Item = Sound> {
        self.attachments.sounds_at(self.place)
    }
}

/// Whether somebody says something in a message: a turn of the user's that is not only what tools have answered.
fn is_question(message: &Message) -> bool {
    let is_result = |part: &Part| matches!(part, Part::ToolResult(_));
    message.role == Role::User && (message.parts.is_empty() || !message.parts.iter().all(is_result))
}

fn images(message: &Message) -> impl Iterator<Item = &Image> {
    message.parts.iter().filter_map(|part| match part {
        Part::Image(image) => Some(image),
        _ => None,
    })
}

/// A message's text; copied only where it has several parts.
fn text_of(message: &Message) -> Cow<'_, str> {
    let mut texts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(text), None) => Cow::Borrowed(text),
        (Some(_), Some(_)) => Cow::Owned(message.text()),
    }
}

fn page(text: &str) -> &str {
    text.get(..text.floor_char_boundary(PAGE)).unwrap_or(text)
}

fn first_page(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(page(text)),
        Cow::Owned(mut text) => {
            text.truncate(text.floor_char_boundary(PAGE));
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_between_characters() {
        let text = "é".repeat(PAGE);
        assert_eq!(page(&text).len(), PAGE);
        let shifted = format!("a{text}");
        assert_eq!(page(&shifted).len(), PAGE - 1);
        assert_eq!(first_page(Cow::Owned(shifted)).len(), PAGE - 1);
        assert_eq!(page("short"), "short");
    }
}
