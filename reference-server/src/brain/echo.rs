use super::scene::Scene;
use super::speech::Speech;

/// What the brain says where it knows nothing better: who answers, and what it was given, the last question byte for
/// byte. A gateway that drops history, a system prompt or an attachment shows here.
pub(super) fn echo<'a>(scene: &'a Scene<'_>) -> Speech<'a> {
    let system = match scene.system_characters() {
        Some(characters) => format!("a system prompt of {}", counted(characters, "character")),
        None => "no system prompt".to_owned(),
    };
    let mut speech = Speech::spoken(format!(
        "This is {}, answering from {}. I was given {} and {system}.",
        scene.model.id,
        scene.model.family,
        counted(scene.turns, "turn"),
    ));
    if let Some(sight) = scene.shown() {
        speech.say(&format!(" I was shown {}. {}", counted(scene.images_shown(), "image"), sight.caption));
    }
    for (file, pages) in scene.files() {
        speech.say(" I was given the file ");
        if let Some(name) = &file.name {
            speech.say("\"");
            speech.quote(name);
            speech.say("\", ");
        } else {
            speech.say("without a name, ");
        }
        speech.say(&format!("{}, {} long.", counted(pages, "page"), counted(file.bytes.len(), "byte")));
    }
    let sounds: Vec<_> = scene.sounds().map(|sound| sound.to_string()).collect();
    if !sounds.is_empty() {
        speech.say(&format!(" I was given {}: {}.", counted(sounds.len(), "sound"), sounds.join(", ")));
    }
    match scene.said() {
        Some(text) => {
            speech.say(" You said: \"");
            speech.quote(text);
            speech.say("\".");
        }
        None => speech.say(" You said nothing."),
    }
    speech
}

fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}
