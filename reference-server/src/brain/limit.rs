use super::draft::Draft;
use super::probability::Tokens;
use super::tokens;
use crate::domain::inference::{Answer, CompletionRequest, FinishReason, Thinking, Usage};

/// An answer cut before the earliest stop text, then after the most tokens; says why it ended. What is left of it is
/// counted.
pub(super) fn cut(
    draft: Draft,
    thought: Option<String>,
    request: &CompletionRequest,
    usage: &mut Usage,
) -> Answer {
    let most = request.max_tokens.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    let mut room = Room { left: most, is_full: false, taken: 0 };
    let thinking = thought.map(|thought| room.take(thought)).filter(|thought| !thought.is_empty());
    let thinking = thinking.map(Thinking::of_text);
    usage.thinking_tokens += room.taken;
    let (mut text, calls) = draft.into_parts();
    let stop = earliest(&text, &request.stop);
    if let Some((place, _)) = stop {
        text.truncate(place);
    }
    let text = room.take(text);
    let mut tool_calls = Vec::with_capacity(calls.len());
    for mut call in calls {
        call.name = room.take(call.name);
        if room.is_full {
            break;
        }
        call.arguments = room.take(call.arguments);
        tool_calls.push(call);
    }
    usage.output_tokens += room.taken;
    let finish_reason = match stop {
        _ if room.is_full => FinishReason::Length,
        Some((_, stop)) => FinishReason::StopText(stop.to_owned()),
        None if tool_calls.is_empty() => FinishReason::Stop,
        None => FinishReason::ToolCalls,
    };
    let told = request.alternatives.filter(|_| !text.is_empty());
    let tokens = told.map(|alternatives| Tokens::new(text.clone(), alternatives).collect());
    Answer { thinking, text, refusal: None, tool_calls, finish_reason, tokens }
}

/// The stop text that is found first, the shorter one of two at the same place.
fn earliest<'s>(text: &str, stop: &'s [String]) -> Option<(usize, &'s str)> {
    let stops = stop.iter().filter(|stop| !stop.is_empty());
    let found = stops.filter_map(|stop| Some((text.find(stop.as_str())?, stop.as_str())));
    found.min_by_key(|(place, stop)| (*place, stop.len()))
}

/// What there is still room for in an answer.
struct Room {
    /// Tokens; nothing where there is no limit.
    left: Option<usize>,
    /// Whether something had to be cut.
    is_full: bool,
    /// Tokens that were taken in.
    taken: u64,
}

impl Room {
    fn take(&mut self, mut text: String) -> String {
        // It can be less than one token that is left, and nothing comes after a cut.
        if let Some(shorter) = self.left.and_then(|left| tokens::take(&text, left)) {
            (text, self.left, self.is_full) = (shorter, Some(0), true);
        }
        let count = tokens::count(&text);
        self.taken += count;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::ToolCall;

    fn limited(
        draft: Draft,
        thought: Option<&str>,
        stop: &[&str],
        max_tokens: Option<u32>,
    ) -> (Answer, Usage) {
        let stop = stop.iter().map(|&stop| stop.to_owned()).collect();
        let request = CompletionRequest { max_tokens, stop, ..CompletionRequest::default() };
        let mut usage = Usage::default();
        let answer = super::cut(draft, thought.map(str::to_owned), &request, &mut usage);
        (answer, usage)
    }

    fn cut(text: &str, stop: &[&str], max_tokens: Option<u32>) -> (String, FinishReason) {
        let (answer, usage) = limited(Draft::Text(text.to_owned()), None, stop, max_tokens);
        assert_eq!(usage.output_tokens, tokens::count(&answer.text));
        (answer.text, answer.finish_reason)
    }

    fn stopped(text: &str) -> FinishReason {
        FinishReason::StopText(text.to_owned())
    }

    #[test]
    fn the_earliest_stop_text_ends_the_answer() {
        assert_eq!(cut("one two three", &["three", "two", ""], None), ("one ".to_owned(), stopped("two")));
        assert_eq!(cut("one two three", &["two th", "two"], None), ("one ".to_owned(), stopped("two")));
        assert_eq!(cut("one two three", &["four"], None).1, FinishReason::Stop);
    }

    #[test]
    fn the_token_limit_cuts_what_is_longer_only() {
        assert_eq!(cut("one two three", &[], Some(2)), ("one two".to_owned(), FinishReason::Length));
        assert_eq!(cut("one two three", &[], Some(3)), ("one two three".to_owned(), FinishReason::Stop));
        assert_eq!(cut("one two three", &[], Some(0)), (String::new(), FinishReason::Length));
    }

    #[test]
    fn a_stop_text_within_the_limit_is_the_reason() {
        assert_eq!(cut("one two three", &[" two"], Some(2)), ("one".to_owned(), stopped(" two")));
        assert_eq!(cut("one two three", &[" three"], Some(1)), ("one".to_owned(), FinishReason::Length));
    }

    #[test]
    fn thoughts_use_up_what_there_is_for_the_text() {
        let text = || Draft::Text("one two three".to_owned());
        let (answer, usage) = limited(text(), Some("four five"), &[], Some(5));
        assert_eq!((answer.text.as_str(), answer.finish_reason), ("one two three", FinishReason::Stop));
        assert_eq!((usage.output_tokens, usage.thinking_tokens), (5, 2));
        let (answer, usage) = limited(text(), Some("four five"), &[], Some(3));
        assert_eq!((answer.text.as_str(), answer.finish_reason), ("one", FinishReason::Length));
        assert_eq!((usage.output_tokens, usage.thinking_tokens), (3, 2));
        let (answer, usage) = limited(text(), Some("four five"), &["four"], Some(1));
        assert_eq!((answer.thinking, answer.text.as_str()), (Some(Thinking::of_text("four")), ""));
        assert_eq!(
            (usage.output_tokens, usage.thinking_tokens, answer.finish_reason),
            (1, 1, FinishReason::Length)
        );
    }

    #[test]
    fn a_limit_cuts_arguments_and_leaves_out_later_calls() {
        let calls = || {
            let call = |id: &str| ToolCall {
                id: id.to_owned(),
                name: "look".to_owned(),
                arguments: "one two three".to_owned(),
            };
            Draft::Calls(vec![call("a"), call("b")])
        };
        let arguments = |most: Option<u32>| {
            let (answer, usage) = limited(calls(), None, &[], most);
            let arguments: Vec<_> = answer.tool_calls.into_iter().map(|call| call.arguments).collect();
            assert!(most.is_none_or(|most| usage.output_tokens <= most.into()));
            (arguments, answer.finish_reason)
        };
        let whole = || "one two three".to_owned();
        assert_eq!(arguments(None), (vec![whole(), whole()], FinishReason::ToolCalls));
        assert_eq!(arguments(Some(8)), (vec![whole(), whole()], FinishReason::ToolCalls));
        assert_eq!(arguments(Some(7)), (vec![whole(), "one two".to_owned()], FinishReason::Length));
        assert_eq!(arguments(Some(4)), (vec![whole()], FinishReason::Length));
        assert_eq!(arguments(Some(2)), (vec!["one".to_owned()], FinishReason::Length));
        assert_eq!(arguments(Some(0)), (vec![], FinishReason::Length));
    }
}
