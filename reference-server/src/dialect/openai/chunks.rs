//! What the chunks of a streamed completion have in common, of either kind.

use std::sync::Arc;

use serde::Serialize;

use super::exchange::Exchange;
use super::wire::{FINGERPRINT, Id, StreamedUsage};
use crate::dialect::common::sse::Frame;
use crate::domain::catalog::Model;
use crate::domain::inference::Usage;

/// A frame, or why there is none.
pub(super) type Framed = Result<Frame, serde_json::Error>;

/// The kind of a completion, as its chunks tell it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// What ids begin with.
    pub(super) id: &'static str,
    pub(super) object: &'static str,
    /// The tier in which it is served, where that is told.
    pub(super) tier: Option<&'static str>,
}

/// What all chunks of a completion say alike.
pub(super) struct Head {
    kind: Kind,
    id: Id,
    created: i64,
    model: Arc<str>,
    usage: StreamedUsage,
}

/// One event of a streamed completion.
#[derive(Serialize)]
struct Chunk<'a, C> {
    id: Id,
    object: &'static str,
    created: i64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    system_fingerprint: &'static str,
    choices: &'a [C],
    #[serde(skip_serializing_if = "StreamedUsage::is_unasked")]
    usage: StreamedUsage,
}

impl Head {
    /// That of a completion which begins now, and tells at its end what it cost, where that is asked for.
    pub(super) fn new(exchange: &Exchange<'_>, model: &Model, kind: Kind, tells_usage: bool) -> Self {
        Self {
            kind,
            id: Id::new(kind.id),
            created: exchange.world.clock.now().as_seconds(),
            model: Arc::clone(model.id()),
            usage: if tells_usage { StreamedUsage::Later } else { StreamedUsage::Unasked },
        }
    }

    /// Adds a chunk of these choices to a frame.
    pub(super) fn chunk(&self, frame: Frame, choices: &[impl Serialize]) -> Framed {
        self.event(frame, choices, self.usage)
    }

    /// What all of it cost, where that is asked for, and the mark of the end.
    pub(super) fn finished(&self, usage: Usage) -> Framed {
        let frame = match self.usage {
            StreamedUsage::Unasked => Frame::new(),
            _ => self.event::<()>(Frame::new(), &[], StreamedUsage::Told(usage.into()))?,
        };
        Ok(frame.done())
    }

    fn event<C: Serialize>(&self, frame: Frame, choices: &[C], usage: StreamedUsage) -> Framed {
        frame.data(&Chunk {
            id: self.id,
            object: self.kind.object,
            created: self.created,
            model: &self.model,
            service_tier: self.kind.tier,
            system_fingerprint: FINGERPRINT,
            choices,
            usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(kind: Kind, usage: StreamedUsage, frame: impl FnOnce(&Head) -> Framed) -> Vec<Value> {
        let head = Head { kind, id: Id::new(kind.id), created: 5, model: "m".into(), usage };
        let bytes = frame(&head).unwrap().into_bytes();
        let text = std::str::from_utf8(&bytes).unwrap();
        let data = text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    const CHAT: Kind = Kind { id: "chatcmpl", object: "chat.completion.chunk", tier: Some("default") };
    const TEXT: Kind = Kind { id: "cmpl", object: "text_completion", tier: None };

    #[test]
    fn a_chunk_tells_of_what_kind_it_is() {
        for (kind, tier) in [(CHAT, Some(&json!("default"))), (TEXT, None)] {
            let chunks = written(kind, StreamedUsage::Later, |head| head.chunk(Frame::new(), &[1, 2]));
            let [chunk] = chunks.as_slice() else { panic!("{chunks:?}") };
            assert!(chunk["id"].as_str().unwrap().starts_with(kind.id), "{chunk}");
            assert_eq!((&chunk["object"], chunk.get("service_tier")), (&json!(kind.object), tier));
            assert_eq!((&chunk["choices"], &chunk["usage"]), (&json!([1, 2]), &Value::Null));
        }
    }

    #[test]
    fn the_cost_is_told_at_the_end_to_those_who_ask() {
        let usage = Usage::of(1, 2);
        assert!(written(TEXT, StreamedUsage::Unasked, |head| head.finished(usage)).is_empty());
        let told = written(TEXT, StreamedUsage::Later, |head| head.finished(usage));
        assert_eq!((&told[0]["choices"], &told[0]["usage"]["total_tokens"]), (&json!([]), &json!(3)));
    }
}
