use std::collections::{HashMap, HashSet};

use super::budget::Budget;
use super::hints::{self, Hints};
use super::scene::Scene;
use super::schema::Schema;
use super::speech::Speech;
use super::{Refusal, hash};
use crate::domain::inference::{
    CompletionRequest, Message, Part, Role, Tool, ToolCall, ToolMode, ToolResult,
};

/// Most calls of one answer.
const MOST_CALLS: usize = 16;
/// Letters that a word of a tool's name has at least, for a question to mean the tool by it.
const SHORTEST_WORD: usize = 4;

/// The tools that the model calls to answer a question, with what they are given; none where it answers itself.
///
/// It calls those whose name has a word in common with the question, each once for every proper noun of a list such as
/// `in Paris and in London`. One that has to be called is the first where no other is meant.
///
/// # Errors
///
/// When a tool cannot be given anything that is valid, or all together costs too much.
pub(super) fn calls(
    request: &CompletionRequest,
    scene: &Scene<'_>,
    budget: &mut Budget,
) -> Result<Vec<ToolCall>, Refusal> {
    let is_required = match request.tool_use.mode {
        _ if request.tools.is_empty() => return Ok(Vec::new()),
        ToolMode::None => return Ok(Vec::new()),
        ToolMode::Auto if !is_open(&request.messages) => return Ok(Vec::new()),
        ToolMode::Auto => false,
        ToolMode::Required => true,
    };
    let only = &request.tool_use.only;
    let allowed: Vec<_> =
        request.tools.iter().filter(|tool| only.is_empty() || only.contains(&tool.name)).collect();
    let said: HashSet<_> = hints::words(scene.question()).map(|(_, word)| word.to_lowercase()).collect();
    let mut meant: Vec<_> = allowed.iter().copied().filter(|tool| is_meant(&tool.name, &said)).collect();
    if meant.is_empty() && is_required {
        meant.extend(allowed.first());
    }
    if meant.is_empty() {
        return Ok(Vec::new());
    }
    let hints = Hints::of(scene.question());
    let most = if request.tool_use.one_at_a_time { 1 } else { MOST_CALLS };
    let mut made: Vec<(&Tool, String)> = Vec::new();
    for tool in meant {
        if made.len() >= most {
            break;
        }
        let room = most - made.len();
        made.extend(arguments(tool, &hints, room, budget)?.into_iter().map(|arguments| (tool, arguments)));
    }
    let calls = made.into_iter().zip(ids(request, 0));
    Ok(calls.map(|((tool, arguments), id)| ToolCall { id, name: tool.name.clone(), arguments }).collect())
}

/// The ids of the calls of an answer, of this number from 0: letters and digits, other ones in every turn of a
/// conversation.
pub(super) fn ids(request: &CompletionRequest, answer: u32) -> impl Iterator<Item = String> {
    let (messages, prefix) = (&request.messages, request.call_ids.prefix());
    let place = hash::fnv1a(hash::START, &(messages.len() as u64).to_le_bytes());
    let said = messages.last().map(Message::text).unwrap_or_default();
    let seed = hash::fnv1a(hash::fnv1a(place, said.as_bytes()), &answer.to_le_bytes());
    (0_u32..).map(move |index| {
        let id = hash::mix(hash::fnv1a(seed, &index.to_le_bytes()));
        format!("{prefix}{id:016x}{:08x}", hash::mix(id) >> 32)
    })
}

/// What the model makes of the answers that tools have just given: it quotes each. Nothing where there are none.
pub(super) fn report(messages: &[Message]) -> Option<Speech<'_>> {
    let turns = messages.iter().rev().filter(|message| message.role != Role::System);
    let mut answered: Vec<&ToolResult> =
        turns.map_while(results).flat_map(|results| results.into_iter().rev()).collect();
    answered.reverse();
    if answered.is_empty() {
        return None;
    }
    let calls = messages.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
        _ => None,
    });
    let names: HashMap<_, _> = calls.collect();
    let mut speech = Speech::spoken(String::new());
    for (index, result) in answered.into_iter().enumerate() {
        speech.say(if index == 0 { "The tool " } else { " The tool " });
        if let Some(&name) = names.get(result.call_id.as_str()) {
            speech.quote(name);
            speech.say(" ");
        }
        speech.say(if result.is_error { "failed: " } else { "answered: " });
        speech.quote(&result.text);
        speech.say(".");
    }
    Some(speech)
}

/// The answers of tools that a turn of the user's brings; nothing for a turn without any.
fn results(message: &Message) -> Option<Vec<&ToolResult>> {
    let results = message.parts.iter().filter_map(|part| match part {
        Part::ToolResult(result) => Some(result),
        _ => None,
    });
    let results: Vec<_> = results.collect();
    (message.role == Role::User && !results.is_empty()).then_some(results)
}

/// Whether the user has just asked something, and no tool has answered since.
fn is_open(messages: &[Message]) -> bool {
    let last = messages.iter().rev().find(|message| message.role != Role::System);
    last.is_some_and(|message| message.role == Role::User && results(message).is_none())
}

/// Whether a word of a tool's name was said.
fn is_meant(name: &str, said: &HashSet<String>) -> bool {
    words(name).iter().any(|word| said.contains(word))
}

/// The words of a tool's name that tell what it does: `get_weather` and `getWeather` both have `weather`.
fn words(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (after_small && character.is_uppercase()) {
            spaced.push(' ');
        }
        if character.is_alphanumeric() {
            spaced.extend(character.to_lowercase());
        }
        after_small = character.is_lowercase();
    }
    let is_long =
        |word: &&str| word.chars().filter(|character| character.is_alphabetic()).count() >= SHORTEST_WORD;
    spaced.split(' ').filter(is_long).map(str::to_owned).collect()
}

/// What a tool is given in each of at most so many calls of it.
fn arguments(tool: &Tool, hints: &Hints, most: usize, budget: &mut Budget) -> Result<Vec<String>, Refusal> {
    let Some(parameters) = &tool.parameters else { return Ok(vec!["{}".to_owned()]) };
    let schema = Schema::read(parameters, budget)?;
    if hints.listed().is_empty() || most == 1 {
        return Ok(vec![schema.value(hints, budget)?.to_string()]);
    }
    let mut all: Vec<String> = Vec::new();
    for name in hints.listed().iter().take(most) {
        let arguments = schema.value(&hints.about(name), budget)?.to_string();
        // A tool that has no place for a name is called once.
        if !all.contains(&arguments) {
            all.push(arguments);
        }
    }
    Ok(all)
}
