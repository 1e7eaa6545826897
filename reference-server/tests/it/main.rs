//! The gateway as its clients meet it: through its port.

#[cfg(test)]
mod answer_room;
#[cfg(test)]
mod anthropic_errors;
#[cfg(test)]
mod anthropic_messages;
#[cfg(test)]
mod anthropic_models;
#[cfg(test)]
mod anthropic_stream;
#[cfg(test)]
mod anthropic_support;
#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod bedrock;
#[cfg(test)]
mod bifrost_arbitrary;
#[cfg(test)]
mod bifrost_fallbacks;
#[cfg(test)]
mod bifrost_routing;
#[cfg(test)]
mod bifrost_stress;
#[cfg(test)]
mod bifrost_support;
#[cfg(test)]
mod bifrost_writes;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod control;
#[cfg(test)]
mod defects;
#[cfg(test)]
mod embeddings;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gemini;
#[cfg(test)]
mod http;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod load;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod models;
#[cfg(test)]
mod openai_chat;
#[cfg(test)]
mod openai_errors;
#[cfg(test)]
mod openai_others;
#[cfg(test)]
mod openai_responses;
#[cfg(test)]
mod openai_stream;
#[cfg(test)]
mod openai_support;
#[cfg(test)]
mod provider_anthropic;
#[cfg(test)]
mod provider_bedrock;
#[cfg(test)]
mod provider_http;
#[cfg(test)]
mod provider_openai;
#[cfg(test)]
mod provider_support;
#[cfg(test)]
mod provider_vertex;
#[cfg(test)]
mod routed_support;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod state;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod support;
#[cfg(test)]
mod unanswered;
#[cfg(test)]
mod unread;
#[cfg(test)]
mod upstream_faults;
#[cfg(test)]
mod upstream_gates;
#[cfg(test)]
mod upstream_journal;
#[cfg(test)]
mod upstream_meaning;
#[cfg(test)]
mod upstream_support;
#[cfg(test)]
mod upstream_wires;
#[cfg(test)]
mod vertex;
#[cfg(test)]
mod wires;
#[cfg(test)]
mod worlds;
