//! Whole conversations against the embedded data: what the test plan asks of a model.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use regex::Regex;

use super::Brain;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, File, FinishReason, Image, Message, ModelIdentity, Part,
    Role,
};

static BRAIN: LazyLock<Brain> = LazyLock::new(|| Brain::embedded().unwrap());

const APPLE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/red-apple.jpg"));
const BLUE: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/blue-square.png"));
const CATS: &str =
    "You are a cheerful assistant who loves to talk about cats and ends every sentence with 'meow'.";
const RHYMES: &str = "You are a helpful assistant that always responds in rhymes.";

fn bedrock() -> ModelIdentity {
    ModelIdentity { id: Arc::from("claude_3_5_sonnet"), family: Arc::from("Bedrock"), dimensions: 0 }
}

fn vertex() -> ModelIdentity {
    ModelIdentity { id: Arc::from("gemini-2.0-flash"), family: Arc::from("Vertex AI"), dimensions: 0 }
}

fn message(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text(text.to_owned())] }
}

fn user(text: &str) -> Message {
    message(Role::User, text)
}

fn assistant(text: &str) -> Message {
    message(Role::Assistant, text)
}

fn system(text: &str) -> Message {
    message(Role::System, text)
}

fn showing(text: &str, bytes: &'static [u8]) -> Message {
    let image = Image { media_type: "image/jpeg".to_owned(), bytes: Bytes::from_static(bytes) };
    Message { role: Role::User, parts: vec![Part::Text(text.to_owned()), Part::Image(image)] }
}

fn complete(messages: Vec<Message>, stop: &[&str], max_tokens: Option<u32>) -> Completion {
    let stop = stop.iter().map(|&text| text.to_owned()).collect();
    BRAIN.answer(&bedrock(), &CompletionRequest { messages, max_tokens, stop })
}

fn answer(messages: Vec<Message>) -> String {
    complete(messages, &[], None).text
}

#[test]
fn a_name_is_recalled_from_history_and_only_from_there() {
    let first = answer(vec![user("Hello, my name is Alex. What is your favorite color?")]);
    assert_eq!(first, "Hello, Alex! My favorite color is blue.");
    let history = vec![
        user("Hello, my name is Alex. What is your favorite color?"),
        assistant(&first),
        user("And what is the capital of Italy?"),
        assistant("The capital of Italy is Rome."),
        user("Remind me, what is my name?"),
    ];
    assert_eq!(answer(history), "Your name is Alex.");
    assert_eq!(answer(vec![user("Remind me, what is my name?")]), "I was never told your name.");
    assert_eq!(
        answer(vec![user("Good day."), assistant("My name is Bot."), user("Who am I?")]),
        "I was never told your name."
    );
}

#[test]
fn names_come_in_many_words() {
    for (introduction, name) in [
        ("I am called José", "José"),
        ("I'm called O'Brien, by the way", "O'Brien"),
        ("My name's Mary Ann and I like tea.", "Mary Ann"),
        ("my name is alex_7f3a", "alex_7f3a"),
    ] {
        let recalled = answer(vec![user(introduction), assistant("Good."), user("What's my name?")]);
        assert_eq!(recalled, format!("Your name is {name}."));
    }
    let renamed =
        vec![user("My name is Ann."), assistant("Hello."), user("No, my name is Eve."), user("Who am I?")];
    assert_eq!(answer(renamed), "Your name is Eve.");
    assert_eq!(answer(vec![user("My name is Ann. What is my name?")]), "Hello, Ann! Your name is Ann.");
    assert_eq!(answer(vec![user("Hello, my name is Alex.")]), "Hello, Alex! It is nice to meet you.");
}

#[test]
fn a_persona_ends_every_sentence_of_every_answer() {
    let ended = Regex::new(r"^[^.!?]*, meow[.!?]+$").unwrap();
    let first = answer(vec![system(CATS), user("What is the capital of France?")]);
    assert!(first.contains("Paris") && first.contains("Cats"), "{first}");
    let dogs = answer(vec![
        system(CATS),
        user("What is the capital of France?"),
        assistant(&first),
        user("Do you like dogs?"),
    ]);
    assert!(dogs.contains("dogs") && dogs.contains("cats"), "{dogs}");
    let echo = answer(vec![system(CATS), user("Hello test")]);
    for text in [first, dogs, echo] {
        assert!(text.ends_with(", meow."), "{text}");
        assert!(text.starts_with("Happy to help, meow!"), "{text}");
        for sentence in text.split_inclusive(['.', '!', '?']) {
            assert!(ended.is_match(sentence), "{sentence:?} of {text}");
        }
    }
    let other = answer(vec![system("Finish all sentences with the word woof"), user("Do you like dogs?")]);
    assert_eq!(other, "Yes, I like dogs, woof.");
}

#[test]
fn rhymes_rhyme_in_every_turn() {
    let ending = Regex::new(r"(ight|ay)[^\w\n]*$").unwrap();
    let mut endings = Vec::new();
    for question in
        ["What is the weather like today?", "What is your name?", "What is the capital of Spain?", "Hello"]
    {
        let text = answer(vec![system(RHYMES), user("Hi"), assistant("Hi"), user(question)]);
        let plain = answer(vec![system("Be kind."), user("Hi"), assistant("Hi"), user(question)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let of = |line: &str| ending.captures(line).map(|found| found[1].to_owned());
        assert!(of(lines[0]).is_some(), "{text}");
        assert_eq!(of(lines[0]), of(lines[1]), "{text}");
        if question != "Hello" {
            assert!(lines[0].starts_with(plain.trim_end_matches('.')), "{text}");
        }
        endings.push(of(lines[0]));
    }
    endings.dedup();
    assert!(endings.len() > 1, "one rhyme for everything");
}

#[test]
fn an_image_is_described_and_recalled() {
    let question = showing("Describe this fruit.", APPLE);
    let described = answer(vec![question.clone()]);
    assert_eq!(described, "This is a red apple with a green leaf.");
    let then = |text: &str| answer(vec![question.clone(), assistant(&described), user(text)]);
    assert_eq!(then("What color did you say it was?"), "It was red.");
    assert_eq!(
        then("Tell me more about the main subject you identified."),
        "The main subject I identified is a red apple, and its main color is red."
    );
    for dropped in [
        "What color did you say it was?",
        "Tell me more about the main subject you identified.",
        "Describe this fruit.",
    ] {
        assert_eq!(answer(vec![user(dropped)]), "I have not been shown an image.");
    }
    let told = vec![assistant(&described), user("What color did you say it was?")];
    assert_eq!(answer(told), "It was red.");
}

#[test]
fn unknown_and_broken_images_are_recalled_too() {
    let blue = showing("What is in this image?", BLUE);
    assert_eq!(answer(vec![blue.clone()]), "This is an image of 64x64 pixels, mostly blue.");
    assert_eq!(answer(vec![blue, user("What colour was it?")]), "It was blue.");
    let broken = showing("What is in this image?", b"not an image");
    let unreadable = "I cannot read this image, its bytes are not a picture that I understand.";
    assert_eq!(answer(vec![broken.clone()]), unreadable);
    assert_eq!(answer(vec![broken, user("What colour was it?")]), unreadable);
}

#[test]
fn an_image_without_a_question_about_it_is_in_the_echo() {
    let text = answer(vec![showing("Zebra", APPLE)]);
    assert!(text.contains("1 image. This is a red apple") && text.contains("\"Zebra\""), "{text}");
}

#[test]
fn families_answer_differently() {
    let ask = |model: &ModelIdentity, text: &str| {
        let request = CompletionRequest { messages: vec![user(text)], max_tokens: None, stop: Vec::new() };
        BRAIN.answer(model, &request).text
    };
    for question in ["Response from Bedrock model?", "Tell me about Vertex AI.", "Hello"] {
        assert!(ask(&bedrock(), question).starts_with("This is claude_3_5_sonnet, answering from Bedrock."));
        assert!(ask(&vertex(), question).starts_with("This is gemini-2.0-flash, answering from Vertex AI."));
    }
    let about = ask(&vertex(), "Response from Vertex AI model?");
    assert!(about.contains("Google Cloud"), "{about}");
}

#[test]
fn the_echo_carries_the_question_byte_for_byte() {
    let odd = "Line1\nLine2\t\u{0}\u{1}\u{7f}\r 👩‍👩‍👧 你好 \u{202e}مرحبا \\ \" $name ${model} a. B! ";
    let text = answer(vec![system(CATS), user("Hi"), assistant("Hi"), user(odd)]);
    assert!(text.contains(&format!("You said: \"{odd}\"")), "{text}");
    assert!(text.contains("3 turns and a system prompt of 94 characters"), "{text}");
    let parts = vec![Part::Text("one".to_owned()), Part::Text("two".to_owned())];
    assert!(answer(vec![Message { role: Role::User, parts }]).contains("\"one\ntwo\""));
}

#[test]
fn the_echo_names_files() {
    let file = |name: Option<&str>, bytes| Part::File(File { name: name.map(str::to_owned), bytes });
    let parts = vec![
        Part::Text("Zebra".to_owned()),
        file(Some("report. Final.pdf"), Bytes::from_static(b"%PDF-1.7")),
        file(None, Bytes::from_static(b"?")),
    ];
    let text = answer(vec![Message { role: Role::User, parts }]);
    assert!(text.contains("the file \"report. Final.pdf\", 8 bytes long. It begins with %PDF-."), "{text}");
    assert!(text.contains("the file without a name, 1 byte long. It does not begin with %PDF-."), "{text}");
}

#[test]
fn odd_requests_get_answers() {
    assert_eq!(
        answer(Vec::new()),
        "This is claude_3_5_sonnet, answering from Bedrock. I was given 0 turns and no system prompt. You said nothing."
    );
    assert!(
        answer(vec![system("Be brief.")]).ends_with("a system prompt of 9 characters. You said nothing.")
    );
    assert!(answer(vec![user("")]).ends_with("You said: \"\"."));
    assert!(answer(vec![Message { role: Role::User, parts: Vec::new() }]).ends_with("You said: \"\"."));
    let long = "word ".repeat(200_000);
    let completion = complete(vec![user(&long)], &[], None);
    assert!(completion.text.contains(&long));
    assert!(completion.usage.input_tokens > 200_000 && completion.usage.output_tokens > 200_000);
}

#[test]
fn limits_cut_and_usage_counts_what_is_returned() {
    let whole = complete(vec![user("hello world")], &[], None);
    assert_eq!((whole.finish_reason, whole.usage.input_tokens), (FinishReason::Stop, 9));
    let cut = complete(vec![user("hello world")], &[], Some(5));
    assert_eq!((cut.finish_reason, cut.usage.output_tokens), (FinishReason::Length, 5));
    assert!(whole.text.starts_with(&cut.text) && cut.text.len() < whole.text.len());
    let stopped = complete(vec![user("What is the capital of France?")], &[" is", "Paris"], Some(100));
    assert_eq!((stopped.text.as_str(), stopped.finish_reason), ("The capital of France", FinishReason::Stop));
}

#[test]
fn embeddings_have_the_length_asked_for_or_the_models_own() {
    let model = ModelIdentity { dimensions: 1024, ..bedrock() };
    let mut request =
        EmbeddingRequest { inputs: vec!["hello world".to_owned(), String::new()], dimensions: None };
    let embeddings = BRAIN.embed(&model, &request);
    assert_eq!(embeddings.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [1024, 1024]);
    assert_eq!((embeddings.usage.input_tokens, embeddings.usage.output_tokens), (2, 0));
    request.dimensions = Some(16);
    assert_eq!(BRAIN.embed(&model, &request).vectors[0].len(), 16);
}
