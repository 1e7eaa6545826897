//! Tools, forms of answers, thoughts and sounds against the embedded data: what the wires ask of a model.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{BadSound, Brain, Refusal, sound, tokens};
use crate::domain::inference::{
    Answer, AnswerFormat, Audio, Completion, CompletionRequest, FinishReason, Message, ModelIdentity, Part,
    Role, Thinking, Tool, ToolCall, ToolMode, ToolResult, ToolUse,
};

static BRAIN: LazyLock<Brain> = LazyLock::new(|| Brain::embedded().unwrap());

fn model() -> ModelIdentity {
    ModelIdentity {
        id: "o4-mini".into(),
        family: "OpenAI".into(),
        dimensions: 0,
        context_tokens: None,
        thinks: true,
        hears: true,
    }
}

fn said(role: Role, part: Part) -> Message {
    Message::new(role, vec![part])
}

fn user(text: &str) -> Message {
    said(Role::User, Part::Text(text.to_owned()))
}

fn called(id: &str, name: &str) -> Message {
    let call = ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: "{}".to_owned() };
    said(Role::Assistant, Part::ToolCall(call))
}

fn result(id: &str, text: &str, is_error: bool) -> Message {
    let result = ToolResult { call_id: id.to_owned(), text: text.to_owned(), is_error };
    said(Role::User, Part::ToolResult(result))
}

fn tool(name: &str, parameters: Option<Value>) -> Tool {
    Tool { name: name.to_owned(), parameters, ..Tool::default() }
}

fn weather() -> Tool {
    let unit = json!({ "type": "string", "enum": ["celsius", "fahrenheit"] });
    let properties = json!({ "location": { "type": "string" }, "unit": unit });
    tool("get_weather", Some(json!({ "type": "object", "properties": properties, "required": ["location"] })))
}

fn request(text: &str) -> CompletionRequest {
    CompletionRequest { messages: vec![user(text)], ..CompletionRequest::default() }
}

fn with_tools(text: &str, mode: ToolMode, only: &[&str]) -> CompletionRequest {
    let only = only.iter().map(|&name| name.to_owned()).collect();
    CompletionRequest {
        tools: vec![weather(), tool("listTimezones", None)],
        tool_use: ToolUse { mode, only, one_at_a_time: false },
        ..request(text)
    }
}

fn complete(request: &CompletionRequest) -> Completion {
    BRAIN.answer(&model(), request).unwrap()
}

fn answer(request: &CompletionRequest) -> Answer {
    complete(request).answer
}

/// The names of the tools that are called, each with what it is given.
fn calls(request: &CompletionRequest) -> Vec<(String, String)> {
    let answer = answer(request);
    let is_call = !answer.tool_calls.is_empty();
    assert_eq!((answer.finish_reason == FinishReason::ToolCalls, answer.text.is_empty()), (is_call, is_call));
    answer.tool_calls.into_iter().map(|call| (call.name, call.arguments)).collect()
}

fn names(request: &CompletionRequest) -> Vec<String> {
    calls(request).into_iter().map(|(name, _)| name).collect()
}

fn weather_in(place: &str) -> (String, String) {
    ("get_weather".to_owned(), format!("{{\"location\":\"{place}\",\"unit\":\"celsius\"}}"))
}

#[test]
fn a_tool_is_called_by_a_word_of_its_name() {
    let auto = |text: &str| with_tools(text, ToolMode::Auto, &[]);
    assert_eq!(calls(&auto("What is the weather in Paris?")), [weather_in("Paris")]);
    assert_eq!(names(&auto("WEATHER!")), ["get_weather"]);
    assert_eq!(names(&auto("Which timezones have good weather?")), ["get_weather", "listTimezones"]);
    assert_eq!(calls(&auto("timezones"))[0].1, "{}");
    for silent in ["Can you get it?", "Hello", "whether", ""] {
        assert_eq!(names(&auto(silent)), [""; 0], "{silent}");
    }
}

#[test]
fn a_list_of_places_is_asked_about_one_by_one() {
    let mut both = with_tools("What is the weather in Paris and in London?", ToolMode::Auto, &[]);
    assert_eq!(calls(&both), [weather_in("Paris"), weather_in("London")]);
    both.tool_use.one_at_a_time = true;
    assert_eq!(calls(&both), [weather_in("Paris")]);
    let zones = with_tools("List timezones of Paris and London", ToolMode::Auto, &[]);
    assert_eq!(names(&zones), ["listTimezones"]);
}

#[test]
fn the_caller_decides_whether_and_which_tools_are_called() {
    let hello = |mode, only: &[&str]| names(&with_tools("Hello", mode, only));
    assert_eq!(hello(ToolMode::Required, &[]), ["get_weather"]);
    assert_eq!(hello(ToolMode::Required, &["listTimezones"]), ["listTimezones"]);
    assert_eq!(hello(ToolMode::None, &[]), [""; 0]);
    let weather = |mode, only: &[&str]| names(&with_tools("The weather?", mode, only));
    assert_eq!(weather(ToolMode::None, &[]), [""; 0]);
    assert_eq!(weather(ToolMode::Auto, &["listTimezones"]), [""; 0]);
    assert_eq!(weather(ToolMode::Required, &[]), ["get_weather"]);
}

#[test]
fn after_results_the_answer_quotes_them_unstyled() {
    let mut request = with_tools("What is the weather in Paris and in London?", ToolMode::Auto, &[]);
    let style = "You end every sentence with 'meow'.";
    request.messages.push(said(Role::System, Part::Text(style.to_owned())));
    request.messages.extend([called("a", "get_weather"), called("b", "listTimezones")]);
    request.messages.extend([result("a", "Sunny. 21 degrees!", false), result("b", "no such place", true)]);
    let told = answer(&request);
    assert_eq!(
        told.text,
        "The tool get_weather answered: Sunny. 21 degrees!, meow. The tool listTimezones failed: no such place, meow."
    );
    assert_eq!((told.finish_reason, told.tool_calls.len()), (FinishReason::Stop, 0));
    request.messages.push(said(Role::System, Part::Text("Be kind.".to_owned())));
    assert_eq!(answer(&request).text, told.text);
    request.tool_use.mode = ToolMode::Required;
    assert_eq!(names(&request), ["get_weather", "get_weather"]);
    // The next question is one of its own again.
    request.tool_use.mode = ToolMode::Auto;
    request.messages.push(user("And the weather in Rome?"));
    assert_eq!(calls(&request), [weather_in("Rome")]);
    let unknown =
        CompletionRequest { messages: vec![result("z", "4", false)], ..CompletionRequest::default() };
    assert_eq!(answer(&unknown).text, "The tool answered: 4.");
}

#[test]
fn ids_are_of_letters_and_digits_and_never_the_same() {
    let mut request = with_tools("What is the weather in Paris and in London?", ToolMode::Auto, &[]);
    request.more_answers = 2;
    let first = complete(&request);
    assert_eq!(complete(&request), first);
    request.messages.extend([called("a", "get_weather"), result("a", "Sunny", false)]);
    request.messages.push(user("What is the weather in Paris and in London?"));
    let later = complete(&request);
    let calls = first.answers().chain(later.answers()).flat_map(|answer| &answer.tool_calls);
    let ids: Vec<_> = calls.map(|call| call.id.clone()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (12, 12));
    for id in ids {
        let digits = id.strip_prefix("call_").unwrap();
        assert!(digits.len() == 24 && digits.chars().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    }
}

#[test]
fn tools_without_a_possible_argument_are_refused_only_when_called() {
    let mut request = request("What is the weather?");
    request.tools = vec![tool("get_weather", Some(json!({ "type": "sentence" })))];
    assert!(matches!(BRAIN.answer(&model(), &request), Err(Refusal::Schema { .. })));
    request.messages = vec![user("Hello")];
    assert!(BRAIN.answer(&model(), &request).is_ok());
}

#[test]
fn all_calls_of_an_answer_share_one_budget() {
    let text = json!({ "type": "string", "pattern": "^[a-z]+$", "minLength": 1_000 });
    let texts = json!({ "type": "array", "items": text, "minItems": 50 });
    let properties = json!({ "city": { "type": "string" }, "texts": texts });
    let schema = json!({ "type": "object", "properties": properties, "required": ["city", "texts"] });
    let asked = |places: &str| CompletionRequest {
        tools: vec![tool("get_weather", Some(schema.clone()))],
        ..request(&format!("What is the weather in {places}?"))
    };
    assert_eq!(names(&asked("Paris and Rome")).len(), 2);
    let places =
        "Paris, Rome, Oslo, Bern, Riga, Kyiv, Lima, Cairo, Delhi, Tokyo, Seoul, Accra, Tunis, Minsk, Sofia";
    let refusal = BRAIN.answer(&model(), &asked(&format!("{places} and London"))).unwrap_err();
    assert!(refusal.to_string().contains("too large"), "{refusal}");
}

#[test]
fn answers_have_the_form_that_is_asked_for() {
    let json = |format: AnswerFormat| -> Value {
        let request =
            CompletionRequest { format, ..request("What is the capital of France? Ask Ada, who is 36.") };
        serde_json::from_str(&answer(&request).text).unwrap()
    };
    assert_eq!(json(AnswerFormat::JsonObject), json!({ "answer": "The capital of France is Paris." }));
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "age": { "type": "integer", "minimum": 1 } },
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    assert_eq!(json(AnswerFormat::JsonSchema(schema.into())), json!({ "name": "France", "age": 36 }));
    let impossible =
        CompletionRequest { format: AnswerFormat::JsonSchema(json!(false).into()), ..request("Hi") };
    assert!(matches!(BRAIN.answer(&model(), &impossible), Err(Refusal::Schema { .. })));
}

#[test]
fn further_answers_differ_and_all_are_paid_for() {
    let request = CompletionRequest { more_answers: 2, ..request("What is the capital of France?") };
    let completion = complete(&request);
    let texts: Vec<_> = completion.answers().map(|answer| answer.text.as_str()).collect();
    let capital = "The capital of France is Paris.";
    assert_eq!(texts, [capital, &format!("{capital} (choice 2)"), &format!("{capital} (choice 3)")]);
    assert_eq!(completion.usage.output_tokens, texts.iter().map(|text| tokens::count(text)).sum::<u64>());
    let cut = complete(&CompletionRequest { max_tokens: Some(3), ..request.clone() });
    assert!(cut.answers().all(|answer| answer.finish_reason == FinishReason::Length));
    assert_eq!(cut.usage.output_tokens, 9);
    let object = complete(&CompletionRequest { format: AnswerFormat::JsonObject, ..request });
    let second: Value = serde_json::from_str(&object.more[0].text).unwrap();
    assert_eq!(second, json!({ "answer": format!("{capital} (choice 2)") }));
}

#[test]
fn a_model_that_thinks_does_so_within_its_budget() {
    let thinking = |budget| CompletionRequest { thinking: Some(budget), ..request("Hello") };
    let whole = complete(&thinking(1_000));
    let thought = whole.answer.thinking.unwrap().text;
    assert_eq!(thought, "The question is: \"Hello\". I answer it plainly.");
    assert_eq!(whole.usage.thinking_tokens, tokens::count(&thought));
    let text = tokens::count(&whole.answer.text);
    assert_eq!(whole.usage.output_tokens, text + whole.usage.thinking_tokens);
    let short = complete(&thinking(3));
    assert_eq!((short.usage.thinking_tokens, short.answer.finish_reason), (3, FinishReason::Stop));
    assert_eq!(short.answer.thinking, Some(Thinking::of_text("The question is")));
    assert_eq!(answer(&thinking(0)).thinking, None);
    assert_eq!(answer(&request("Hello")).thinking, None);
    let plain = ModelIdentity { thinks: false, ..model() };
    assert_eq!(BRAIN.answer(&plain, &thinking(1_000)).unwrap().answer.thinking, None);
}

#[test]
fn probabilities_are_told_of_the_text_that_is_left() {
    let told = answer(&CompletionRequest { alternatives: Some(2), max_tokens: Some(4), ..request("Hello") });
    let tokens = told.tokens.unwrap();
    let joined: Vec<u8> = tokens.iter().flat_map(|token| token.bytes.clone()).collect();
    assert_eq!((joined.as_slice(), tokens.len()), (told.text.as_bytes(), 4));
    assert_eq!(answer(&request("Hello")).tokens, None);
}

#[test]
fn sounds_are_heard_by_those_who_can() {
    let audio =
        |format: &str, bytes: Vec<u8>| Part::Audio(Audio { format: format.to_owned(), bytes: bytes.into() });
    let hearing = |parts: Vec<Part>| {
        let messages = vec![Message::new(Role::User, parts)];
        CompletionRequest { messages, ..CompletionRequest::default() }
    };
    let wav = || audio("wav", sound::tests::silence(1_500));
    let both = hearing(vec![Part::Text("Zebra".to_owned()), wav(), audio("mp3", b"ID3\x04".to_vec())]);
    let text = answer(&both).text;
    assert!(text.contains("I was given 2 sounds: 1.5 seconds, 4 bytes. You said: \"Zebra\"."), "{text}");
    let deaf = ModelIdentity { hears: false, ..model() };
    assert_eq!(BRAIN.answer(&deaf, &both), Err(Refusal::Deaf));
    let broken = hearing(vec![wav(), audio("wav", b"ID3".to_vec())]);
    let damaged = Refusal::Audio { number: 2, problem: BadSound::Damaged };
    assert_eq!(BRAIN.answer(&model(), &broken), Err(damaged));
}

#[test]
fn results_of_tools_are_no_question() {
    let messages = vec![user("My name is Alex."), called("a", "look"), result("a", "ok", false)];
    let messages = messages.into_iter().chain([said(Role::Assistant, Part::Text("Done.".to_owned()))]);
    let request = CompletionRequest { messages: messages.collect(), ..CompletionRequest::default() };
    assert_eq!(answer(&request).text, "Hello, Alex! It is nice to meet you.");
}
