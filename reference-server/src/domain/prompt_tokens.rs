//! How many tokens a prompt has, before it is answered.

use std::sync::Arc;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::CompletionRequest;
use super::shaping;

/// The tokens of a prompt: so many as the answer to it will say that it had. Nothing is billed.
pub(crate) async fn count(
    call: &Call,
    model: &Arc<Model>,
    request: &CompletionRequest,
) -> Result<u64, CallError> {
    let world = &call.world;
    let identity = shaping::identity(&world.defects, shaping::answering(world, model, Capability::Chat));
    Ok(world.provider.count(&identity, request).await?)
}

#[cfg(test)]
mod tests {
    use super::super::completion;
    use super::super::inference::{Message, Part, Role};
    use super::super::testing;
    use super::*;

    #[tokio::test]
    async fn the_count_is_what_the_answer_says() {
        let world = testing::world();
        let call = world.call("chat_only");
        let model = Arc::clone(world.world.catalog.find("claude-sonnet-4-5").unwrap());
        let hello = Message { role: Role::User, parts: vec![Part::Text("Hello test".to_owned())] };
        let request = CompletionRequest { messages: vec![hello], ..CompletionRequest::default() };
        let counted = count(&call, &model, &request).await.unwrap();
        let answered = completion::complete(&call, &model, request, None).await.unwrap();
        assert_eq!(counted, answered.usage.input_tokens);
    }
}
