//! The marks up to which a prompt is to be remembered, and what is remembered of it.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::dialect::common::read::{Members, Mistake, Read, one_of};
use crate::domain::call::{Call, CallError};
use crate::domain::catalog::Model;
use crate::domain::inference::CompletionRequest;
use crate::domain::prompt_cache::{CacheUse, Lifetime, PrefixDigest};
use crate::domain::prompt_tokens;

/// Most marks in a request.
const MOST_MARKS: usize = 4;
/// The shortest beginning that is remembered, in tokens.
const SHORTEST: u64 = 1_024;
/// So many blocks before a mark a beginning may end that an earlier request has marked.
const LOOKBACK: usize = 20;

/// Reads a mark.
pub(super) fn control(value: &Value) -> Read<Lifetime> {
    let members = Members::of(value)?;
    members.required("type", one_of(&["ephemeral"]))?;
    let ttl = members.optional("ttl", one_of(&["5m", "1h"]))?;
    members.only(&["type", "ttl"])?;
    Ok(if ttl == Some("1h") { Lifetime::OneHour } else { Lifetime::FiveMinutes })
}

/// Where a beginning of a prompt ends: so many tools, so many messages, so many parts of the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) tools: usize,
    pub(super) messages: usize,
    pub(super) parts: usize,
}

/// The marks of a request, while it is read block by block: tools, then the system prompt, then messages.
#[derive(Debug, Default)]
pub(super) struct Marks {
    blocks: usize,
    end: End,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// The block that it stands on, from 0.
    block: usize,
    end: End,
    lifetime: Lifetime,
}

impl Marks {
    /// Notes that a block ends here, and its mark if it has one.
    pub(super) fn block(&mut self, mark: Option<Lifetime>, end: End) {
        self.end = end;
        self.blocks += 1;
        if let Some(lifetime) = mark {
            self.mark(lifetime);
        }
    }

    /// Marks the last block.
    pub(super) fn mark(&mut self, lifetime: Lifetime) {
        let Some(block) = self.blocks.checked_sub(1) else { return };
        if self.marks.last().is_none_or(|mark| mark.block != block) {
            self.marks.push(Mark { block, end: self.end, lifetime });
        }
    }

    /// The marks, if they are as they may be, in a body of these blocks.
    pub(super) fn finish(self, body: &Value) -> Read<Caching> {
        let marks = self.marks;
        if marks.len() > MOST_MARKS {
            let found = marks.len();
            return Err(Mistake::other(format!(
                "A maximum of {MOST_MARKS} blocks with cache_control may be provided. Found {found}."
            )));
        }
        if !marks.is_sorted_by_key(|mark| mark.lifetime == Lifetime::FiveMinutes) {
            return Err(Mistake::other(
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that \
                 blocks are processed in the following order: `tools`, `system`, `messages`.",
            ));
        }
        let digests = if marks.is_empty() { Vec::new() } else { digests(body) };
        Ok(Caching { digests, marks })
    }
}

/// What is to be remembered of a prompt.
#[derive(Debug, Default)]
pub(super) struct Caching {
    /// Of each beginning that ends with a block.
    digests: Vec<PrefixDigest>,
    marks: Vec<Mark>,
}

/// What came out of the memory, and what is to go into it once the prompt is processed.
pub(super) struct Cached {
    pub(super) tokens: CacheUse,
    new: Vec<(PrefixDigest, u64, Lifetime)>,
}

impl Caching {
    /// Looks up what is remembered: the longest beginning that ends at a mark, or shortly before one. What is marked
    /// behind it is new.
    pub(super) async fn look_up(
        &self,
        call: &Call,
        model: &Arc<Model>,
        request: &CompletionRequest,
    ) -> Result<Cached, CallError> {
        let remembered = self.remembered(call);
        let mut tokens = remembered.map_or(0, |(_, tokens)| tokens);
        let mut cached = Cached { tokens: CacheUse { read: tokens, ..CacheUse::default() }, new: Vec::new() };
        let is_behind = |mark: &&Mark| remembered.is_none_or(|(block, _)| mark.block > block);
        for mark in self.marks.iter().filter(is_behind) {
            let up_to_here = prompt_tokens::count(call, model, &beginning(request, mark.end)).await?;
            let Some(digest) = self.digests.get(mark.block) else { continue };
            if up_to_here < SHORTEST || up_to_here <= tokens {
                continue;
            }
            match mark.lifetime {
                Lifetime::FiveMinutes => cached.tokens.written_5m += up_to_here - tokens,
                Lifetime::OneHour => cached.tokens.written_1h += up_to_here - tokens,
            }
            tokens = up_to_here;
            cached.new.push((*digest, up_to_here, mark.lifetime));
        }
        Ok(cached)
    }

    /// The last block and the tokens of the longest beginning that is remembered. Every one at a mark is used.
    fn remembered(&self, call: &Call) -> Option<(usize, u64)> {
        let now = call.world.clock.now();
        let recall = |block: usize| -> Option<(usize, u64)> {
            let tokens = call.world.prompt_cache.recall(call.key.id, self.digests.get(block)?, now)?;
            Some((block, tokens))
        };
        let near = |mark: &Mark| (mark.block.saturating_sub(LOOKBACK)..=mark.block).rev().find_map(recall);
        let longest = self.marks.iter().rev().find_map(near)?;
        for mark in self.marks.iter().filter(|mark| mark.block < longest.0) {
            recall(mark.block);
        }
        Some(longest)
    }
}

impl Cached {
    /// Remembers what is new.
    pub(super) fn keep(&self, call: &Call) {
        let now = call.world.clock.now();
        for (digest, tokens, lifetime) in &self.new {
            call.world.prompt_cache.keep(call.key.id, *digest, *tokens, *lifetime, now);
        }
    }
}

/// The prompt up to here.
fn beginning(request: &CompletionRequest, end: End) -> CompletionRequest {
    let mut messages: Vec<_> = request.messages.iter().take(end.messages).cloned().collect();
    if let Some(last) = messages.last_mut() {
        last.parts.truncate(end.parts);
    }
    CompletionRequest {
        messages,
        tools: request.tools.iter().take(end.tools).cloned().collect(),
        tool_use: request.tool_use.clone(),
        ..CompletionRequest::default()
    }
}

/// The digests of all beginnings of a prompt: each is that of the one before it and of one block more.
fn digests(body: &Value) -> Vec<PrefixDigest> {
    let member = |name: &str| body.get(name).filter(|value| !value.is_null());
    let messages = member("messages").and_then(Value::as_array).into_iter().flatten();
    let said = messages.flat_map(|message| {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        blocks(message.get("content")).map(move |block| (role, block))
    });
    let labelled = blocks(member("tools")).map(|block| ("tools", block));
    let labelled = labelled.chain(blocks(member("system")).map(|block| ("system", block))).chain(said);
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    let mut digest: PrefixDigest = Sha256::digest(model.as_bytes()).into();
    let extend = |(label, block): (&str, &Value)| {
        let mut hasher = Sha256::new_with_prefix(digest);
        absorb(&mut hasher, label);
        absorb_block(&mut hasher, block);
        digest = hasher.finalize().into();
        digest
    };
    labelled.map(extend).collect()
}

/// The blocks of a content; a text is one. Where a content says nothing, there is none.
fn blocks(content: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (one, several) = match content {
        Some(Value::Array(blocks)) => (None, blocks.as_slice()),
        one => (one, &[][..]),
    };
    one.into_iter().chain(several)
}

/// A block but for its mark, which may move on. A text is the same however it is written.
fn absorb_block(hasher: &mut Sha256, block: &Value) {
    let text = match block {
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == "text") => {
            members.get("text")
        }
        block => Some(block),
    };
    if let Some(text) = text.and_then(Value::as_str) {
        absorb(hasher, "text");
        return absorb(hasher, text);
    }
    let Value::Object(members) = block else { return absorb(hasher, &block.to_string()) };
    for (name, member) in members.iter().filter(|(name, _)| *name != "cache_control") {
        absorb(hasher, name);
        match member {
            Value::Array(inner) if name == "content" => {
                for block in inner {
                    absorb_block(hasher, block);
                }
            }
            Value::String(text) => absorb(hasher, text),
            member => absorb(hasher, &member.to_string()),
        }
    }
}

/// A text with its length, so that no two lists of texts are the same to a hasher.
fn absorb(hasher: &mut Sha256, text: &str) {
    hasher.update(text.len().to_le_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::request::{self, Purpose};
    use super::super::words::told;
    use super::*;
    use crate::domain::testing::{self, TestWorld};

    fn marked(text: &str, ttl: Option<&str>) -> Value {
        json!({ "type": "text", "text": text, "cache_control": { "type": "ephemeral", "ttl": ttl } })
    }

    fn body(system: &[Value], question: &Value) -> Value {
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 100,
            "system": system,
            "messages": [{ "role": "user", "content": question }],
        })
    }

    /// A text of so many words, each a token.
    fn long(words: usize) -> String {
        "word ".repeat(words).trim_end().to_owned()
    }

    async fn asked(world: &TestWorld, role: &str, body: &Value) -> CacheUse {
        let call = world.call(role);
        let asked = request::read(body, Purpose::Answer).unwrap();
        let model = Arc::clone(world.world.catalog.find(&asked.model).unwrap());
        let cached = asked.caching.look_up(&call, &model, &asked.completion).await.unwrap();
        cached.keep(&call);
        cached.tokens
    }

    #[tokio::test]
    async fn a_marked_beginning_is_written_once_and_read_after_it() {
        let world = testing::world();
        let one = body(&[marked(&long(2_000), None)], &json!("One?"));
        let two = body(&[marked(&long(2_000), None)], &json!("Two?"));
        let first = asked(&world, "chat_only", &one).await;
        assert!(first.read == 0 && first.written_5m >= 2_000 && first.written_1h == 0, "{first:?}");
        let second = asked(&world, "chat_only", &two).await;
        assert_eq!((second.read, second.written()), (first.written_5m, 0));
        assert_eq!(asked(&world, "all_scopes", &two).await, first);
        world.world.clock.advance(300_000_000);
        assert_eq!(asked(&world, "chat_only", &two).await, first);
    }

    #[tokio::test]
    async fn what_comes_behind_a_remembered_beginning_is_new() {
        let world = testing::world();
        let hour = marked(&long(1_500), Some("1h"));
        let first = asked(&world, "chat_only", &body(std::slice::from_ref(&hour), &json!("One?"))).await;
        assert_eq!(first.written_1h, first.written());
        let longer = body(&[hour], &json!([marked(&long(500), None)]));
        let second = asked(&world, "chat_only", &longer).await;
        assert_eq!(second.read, first.written_1h);
        assert!((500..600).contains(&second.written_5m) && second.written_1h == 0, "{second:?}");
    }

    #[tokio::test]
    async fn a_mark_may_move_on_with_the_conversation() {
        let world = testing::world();
        let first = asked(&world, "chat_only", &body(&[], &json!([marked(&long(1_500), None)]))).await;
        let mut next = body(&[], &json!(long(1_500)));
        let messages = next["messages"].as_array_mut().unwrap();
        messages.push(json!({ "role": "assistant", "content": "Yes." }));
        messages.push(json!({ "role": "user", "content": [marked("And now?", None)] }));
        let second = asked(&world, "chat_only", &next).await;
        assert_eq!(second.read, first.written_5m);
        assert!(second.written_5m > 0 && second.written_5m < 30, "{second:?}");
    }

    #[tokio::test]
    async fn a_short_or_unmarked_prompt_is_not_remembered() {
        let world = testing::world();
        for body in [
            body(&[marked(&long(500), None)], &json!("One?")),
            body(&[json!({ "type": "text", "text": long(2_000) })], &json!("One?")),
        ] {
            for _ in 0..2 {
                assert_eq!(asked(&world, "chat_only", &body).await, CacheUse::default());
            }
        }
    }

    #[test]
    fn there_are_four_marks_and_the_longest_lived_come_first() {
        let refused = |system: &[Value]| {
            told(&request::read(&body(system, &json!("Hi")), Purpose::Answer).err().unwrap())
        };
        assert!(refused(&vec![marked("a", None); 5]).ends_with("may be provided. Found 5."));
        assert!(refused(&[marked("a", Some("5m")), marked("b", Some("1h"))]).starts_with("a ttl='1h'"));
        assert!(refused(&[marked("a", Some("2h"))]).contains("ttl: Input should be '5m' or '1h'"));
        let fine = body(&[marked("a", Some("1h")), marked("b", None)], &json!("Hi"));
        assert!(request::read(&fine, Purpose::Answer).is_ok());
    }
}
