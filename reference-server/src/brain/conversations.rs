//! Whole conversations against the embedded data: what the test plan asks of a model.

use std::sync::LazyLock;

use bytes::Bytes;
use regex::Regex;

use super::{BadImage, BadPdf, Brain, Refusal, pdf};
use crate::domain::inference::{
    Completion, CompletionRequest, Detail, EmbeddingRequest, File, FinishReason, Image, Message,
    ModelIdentity, Part, Role,
};

static BRAIN: LazyLock<Brain> = LazyLock::new(|| Brain::embedded().unwrap());

const APPLE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/red-apple.jpg"));
const BLUE: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/blue-square.png"));
const CATS: &str =
    "You are a cheerful assistant who loves to talk about cats and ends every sentence with 'meow'.";
const RHYMES: &str = "You are a helpful assistant that always responds in rhymes.";

fn model(id: &str, family: &str) -> ModelIdentity {
    ModelIdentity {
        id: id.into(),
        family: family.into(),
        dimensions: 0,
        context_tokens: None,
        thinks: false,
        hears: false,
    }
}

fn bedrock() -> ModelIdentity {
    model("claude_3_5_sonnet", "Bedrock")
}

fn vertex() -> ModelIdentity {
    model("gemini-2.0-flash", "Vertex AI")
}

fn message(role: Role, text: &str) -> Message {
    Message::new(role, vec![Part::Text(text.to_owned())])
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

fn image(bytes: &'static [u8], detail: Option<Detail>) -> Part {
    let media_type = "image/jpeg".to_owned();
    Part::Image(Image { media_type, detail, bytes: Bytes::from_static(bytes) })
}

fn showing(text: &str, bytes: &'static [u8]) -> Message {
    Message::new(Role::User, vec![Part::Text(text.to_owned()), image(bytes, None)])
}

fn file(name: Option<&str>, bytes: impl Into<Bytes>) -> Part {
    Part::File(File { name: name.map(str::to_owned), bytes: bytes.into() })
}

fn request(messages: Vec<Message>) -> CompletionRequest {
    CompletionRequest { messages, ..CompletionRequest::default() }
}

fn complete(messages: Vec<Message>, stop: &[&str], max_tokens: Option<u32>) -> Completion {
    let stop = stop.iter().map(|&text| text.to_owned()).collect();
    BRAIN.answer(&bedrock(), &CompletionRequest { max_tokens, stop, ..request(messages) }).unwrap()
}

fn refusal(messages: Vec<Message>) -> Refusal {
    BRAIN.answer(&bedrock(), &request(messages)).unwrap_err()
}

fn answer(messages: Vec<Message>) -> String {
    complete(messages, &[], None).answer.text
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
fn an_unknown_image_is_recalled_too() {
    let blue = showing("What is in this image?", BLUE);
    assert_eq!(answer(vec![blue.clone()]), "This is an image of 64x64 pixels, mostly blue.");
    assert_eq!(answer(vec![blue, user("What colour was it?")]), "It was blue.");
}

#[test]
fn several_images_are_counted_and_described_together() {
    let parts = vec![Part::Text("Zebra".to_owned()), image(APPLE, None), image(BLUE, None)];
    let text = answer(vec![Message::new(Role::User, parts)]);
    let told = "I was shown 2 images. This is a red apple with a green leaf. \
                This is an image of 64x64 pixels, mostly blue.";
    assert!(text.contains(told), "{text}");
}

#[test]
fn the_detail_of_an_image_is_told_by_rules_and_by_the_echo() {
    let low = |text: &str| {
        let parts = vec![Part::Text(text.to_owned()), image(APPLE, Some(Detail::Low))];
        answer(vec![Message::new(Role::User, parts)])
    };
    let told = "This is a red apple with a green leaf. I looked at it at low detail.";
    assert_eq!(low("Describe this fruit."), told);
    assert!(low("Zebra").contains(told), "{}", low("Zebra"));
}

#[test]
fn what_cannot_be_read_is_refused_in_every_turn() {
    let broken = showing("What is in this image?", b"not an image");
    let image = |number, problem| Refusal::Image { number, problem };
    assert_eq!(refusal(vec![broken.clone()]), image(1, BadImage::Damaged));
    let later = vec![showing("Look.", APPLE), broken, assistant("I see."), user("Hello")];
    assert_eq!(refusal(later), image(2, BadImage::Damaged));
    let parts = vec![file(None, pdf::tests::pdf(1)), file(Some("a.pdf"), b"%PDF-1.7".as_slice())];
    let problem = BadPdf::Damaged;
    assert_eq!(refusal(vec![Message::new(Role::User, parts)]), Refusal::File { number: 2, problem });
}

#[test]
fn a_prompt_that_is_too_long_is_refused_and_the_next_one_is_not() {
    let small = ModelIdentity { context_tokens: Some(8_192), ..bedrock() };
    let long = request(vec![user(&"word ".repeat(9_000)), assistant("Yes."), user("Hello")]);
    let Err(Refusal::TooLong { tokens, most }) = BRAIN.answer(&small, &long) else { panic!("answered") };
    assert!(tokens > most && most == 8_192, "{tokens}");
    assert!(BRAIN.answer(&small, &request(vec![user("Hello")])).is_ok());
    assert!(BRAIN.answer(&bedrock(), &long).is_ok());
}

#[test]
fn an_image_without_a_question_about_it_is_in_the_echo() {
    let text = answer(vec![showing("Zebra", APPLE)]);
    assert!(text.contains("1 image. This is a red apple") && text.contains("\"Zebra\""), "{text}");
}

#[test]
fn families_answer_differently() {
    let ask = |model: &ModelIdentity, text: &str| {
        BRAIN.answer(model, &request(vec![user(text)])).unwrap().answer.text
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
    assert!(answer(vec![Message::new(Role::User, parts)]).contains("\"one\ntwo\""));
}

#[test]
fn the_echo_names_files_and_their_pages() {
    let (one, three) = (pdf::tests::pdf(1), pdf::tests::pdf(3));
    let (bytes, more) = (one.len(), three.len());
    let parts = vec![Part::Text("Zebra".to_owned()), file(Some("report. Final.pdf"), one), file(None, three)];
    let text = answer(vec![Message::new(Role::User, parts)]);
    let told = format!("I was given the file \"report. Final.pdf\", 1 page, {bytes} bytes long. ");
    assert!(text.contains(&told), "{text}");
    let told = format!("I was given the file without a name, 3 pages, {more} bytes long. ");
    assert!(text.contains(&told), "{text}");
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
    assert!(answer(vec![Message::new(Role::User, Vec::new())]).ends_with("You said: \"\"."));
    let long = "word ".repeat(200_000);
    let completion = complete(vec![user(&long)], &[], None);
    assert!(completion.answer.text.contains(&long));
    assert!(completion.usage.input_tokens > 200_000 && completion.usage.output_tokens > 200_000);
}

#[test]
fn limits_cut_and_usage_counts_what_is_returned() {
    let whole = complete(vec![user("hello world")], &[], None);
    assert_eq!((whole.answer.finish_reason, whole.usage.input_tokens), (FinishReason::Stop, 9));
    let cut = complete(vec![user("hello world")], &[], Some(5));
    assert_eq!((cut.answer.finish_reason, cut.usage.output_tokens), (FinishReason::Length, 5));
    assert!(
        whole.answer.text.starts_with(&cut.answer.text) && cut.answer.text.len() < whole.answer.text.len()
    );
    let stopped = complete(vec![user("What is the capital of France?")], &[" is", "Paris"], Some(100)).answer;
    let reason = FinishReason::StopText(" is".to_owned());
    assert_eq!((stopped.text.as_str(), stopped.finish_reason), ("The capital of France", reason));
}

#[test]
fn embeddings_have_the_length_asked_for_or_the_models_own() {
    let model = ModelIdentity { dimensions: 1024, ..bedrock() };
    let mut request =
        EmbeddingRequest { inputs: vec!["hello world".to_owned(), "!".to_owned()], dimensions: None };
    let embeddings = BRAIN.embed(&model, &request).unwrap();
    assert_eq!(embeddings.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [1024, 1024]);
    assert_eq!((embeddings.usage.input_tokens, embeddings.usage.output_tokens), (3, 0));
    request.dimensions = Some(16);
    assert_eq!(BRAIN.embed(&model, &request).unwrap().vectors[0].len(), 16);
}

#[test]
fn an_empty_text_has_no_embedding() {
    for blank in ["", " \n\t"] {
        let inputs = vec!["hello".to_owned(), blank.to_owned()];
        let refusal = BRAIN.embed(&bedrock(), &EmbeddingRequest { inputs, dimensions: None }).unwrap_err();
        assert_eq!(refusal, Refusal::Blank { number: 2 });
    }
    let nothing = EmbeddingRequest { inputs: Vec::new(), dimensions: None };
    assert!(BRAIN.embed(&bedrock(), &nothing).unwrap().vectors.is_empty());
}

#[test]
fn temperature_changes_nothing() {
    let hello = request(vec![user("Hello")]);
    let plain = BRAIN.answer(&bedrock(), &hello);
    for temperature in [0, 1, 2] {
        let warm = CompletionRequest {
            temperature: Some(temperature.into()),
            top_p: Some(0.into()),
            ..hello.clone()
        };
        assert_eq!(BRAIN.answer(&bedrock(), &warm), plain);
    }
}
