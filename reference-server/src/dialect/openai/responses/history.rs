//! What went before a response: the turns of the responses that it goes on from.

use serde::Deserialize;
use serde_json::Value;

use super::input;
use crate::aside::aside;
use crate::dialect::common::read::excerpt;
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::exchange::Exchange;
use crate::domain::call::Call;
use crate::domain::inference::{Message, Part, Role, ToolCall};
use crate::domain::stored_response::StoredResponse;
use crate::intake::Share;

/// The turns before a response that goes on from another. There is room for all of them before the first is read, and
/// they are read one response at a time.
pub(super) async fn earlier(
    exchange: &Exchange<'_>,
    call: &Call,
    previous: Option<&str>,
    share: &mut Share,
) -> Result<Vec<Message>, Refusal> {
    let Some(id) = previous else { return Ok(Vec::new()) };
    let responses = &call.world.responses;
    let conversation = responses.conversation(call.key.id, id).await;
    let conversation = conversation.map_err(|error| Refusal::internal(error.to_string()))?;
    if conversation.is_empty() {
        let message = format!("Previous response with id '{}' not found.", excerpt(id));
        return Err(Refusal::invalid(message)
            .at("previous_response_id")
            .coded("previous_response_not_found"));
    }
    let room = conversation.iter().fold(share.bytes(), |room, kept| room.saturating_add(kept.size));
    exchange.make_room(share, room).await?;
    let mut messages = Vec::new();
    for kept in conversation {
        let found = responses.find(call.key.id, &kept.id).await;
        match found.map_err(|error| Refusal::internal(error.to_string()))? {
            Some(response) => aside(kept.size, || append(&mut messages, &response)),
            // It has been deleted meanwhile: the conversation begins after it.
            None => messages.clear(),
        }
    }
    Ok(messages)
}

/// Goes on with what was asked for a response, and with the response.
fn append(messages: &mut Vec<Message>, kept: &StoredResponse) {
    let asked: Vec<Value> = list(&kept.input);
    input::turns(&asked).for_each(|message| input::append(messages, message));
    let response: Kept = serde_json::from_str(&kept.response).unwrap_or_default();
    response.output.into_iter().filter_map(turn).for_each(|message| input::append(messages, message));
}

/// A list that was kept.
pub(super) fn list(kept: &str) -> Vec<Value> {
    serde_json::from_str(kept).unwrap_or_default()
}

/// Of a response that was kept, what is said of it afterwards. How probable it was is passed over.
#[derive(Default, Deserialize)]
struct Kept {
    output: Vec<KeptItem>,
}

#[derive(Deserialize)]
struct KeptItem {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    content: Vec<KeptPart>,
    #[serde(default)]
    call_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
struct KeptPart {
    text: String,
}

/// The turn of an item; a thought has none.
fn turn(item: KeptItem) -> Option<Message> {
    let KeptItem { kind, content, call_id, name, arguments } = item;
    let parts = match kind.as_str() {
        "message" => content.into_iter().map(|part| Part::Text(part.text)).collect(),
        "function_call" => vec![Part::ToolCall(ToolCall { id: call_id, name, arguments })],
        _ => return None,
    };
    Some(Message::new(Role::Assistant, parts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::object::{Content, Item, Said, Status};
    use super::*;
    use crate::domain::inference::Token;

    #[test]
    fn what_was_asked_and_answered_is_gone_on_from() {
        let call =
            |id: &str| ToolCall { id: id.to_owned(), name: "a".to_owned(), arguments: "{}".to_owned() };
        let token = Token { bytes: b"Well.".to_vec(), logprob: -1.0, alternatives: Vec::new() };
        let said = Said { text: "Well.".to_owned(), tokens: vec![token], is_refusal: false };
        let contents = [
            Content::Reasoning,
            Content::Message(Some(said)),
            Content::Call(call("1")),
            Content::Call(call("2")),
        ];
        let output = contents.map(|content| Item::new(Status::Completed, content));
        let kept = StoredResponse {
            id: "resp_1".to_owned(),
            key_id: Uuid::nil(),
            previous: None,
            input: json!([{ "role": "user", "content": "Weather?" }]).to_string(),
            response: json!({ "id": "resp_1", "output": output, "usage": null }).to_string(),
        };
        let mut messages = Vec::new();
        append(&mut messages, &kept);
        let [asked, answered] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((asked.role, asked.text()), (Role::User, "Weather?".to_owned()));
        let parts = [Part::Text("Well.".to_owned()), Part::ToolCall(call("1")), Part::ToolCall(call("2"))];
        assert_eq!((answered.role, format!("{:?}", answered.parts)), (Role::Assistant, format!("{parts:?}")));
    }
}
