//! How many tokens a prompt has, before it is answered.

use std::sync::Arc;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{CompletionRequest, ModelIdentity};
use super::shaping;

/// The tokens of a prompt: so many as the answer to it will say that it had. One that is too long to be answered is
/// refused. Nothing is billed.
pub(crate) async fn count(
    call: &Call,
    model: &Arc<Model>,
    request: &CompletionRequest,
) -> Result<u64, CallError> {
    let world = &call.world;
    let identity = shaping::identity(&world.defects, shaping::answering(world, model, Capability::Chat));
    Ok(world.provider.count(&identity, request).await?)
}

/// The tokens of a prompt, also of one that is too long to be answered. Nothing is billed.
pub(crate) async fn count_of_any_length(
    call: &Call,
    model: &Arc<Model>,
    request: &CompletionRequest,
) -> Result<u64, CallError> {
    let world = &call.world;
    let identity = &shaping::answering(world, model, Capability::Chat).identity;
    let identity = ModelIdentity { context_tokens: None, ..identity.clone() };
    Ok(world.provider.count(&identity, request).await?)
}

#[cfg(test)]
mod tests {
    use super::super::completion;
    use super::super::inference::{Message, Part, ProviderError, Role};
    use super::super::testing;
    use super::*;

    fn asking(text: &str) -> CompletionRequest {
        let message = Message { role: Role::User, parts: vec![Part::Text(text.to_owned())] };
        CompletionRequest { messages: vec![message], ..CompletionRequest::default() }
    }

    #[tokio::test]
    async fn the_count_is_what_the_answer_says() {
        let world = testing::world();
        let call = world.call("chat_only");
        let model = Arc::clone(world.world.catalog.find("claude-sonnet-4-5").unwrap());
        let request = asking("Hello test");
        let counted = count(&call, &model, &request).await.unwrap();
        assert_eq!(count_of_any_length(&call, &model, &request).await.unwrap(), counted);
        let answered = completion::complete(&call, &model, request, None).await.unwrap();
        assert_eq!(counted, answered.usage.input_tokens);
    }

    #[tokio::test]
    async fn a_prompt_that_is_too_long_can_still_be_counted() {
        let world = testing::world();
        let call = world.call("chat_only");
        let model = Arc::clone(world.world.catalog.find("gpt-3.5-turbo").unwrap());
        let long = asking(&"word ".repeat(20_000));
        let refused = count(&call, &model, &long).await;
        assert!(matches!(refused, Err(CallError::Provider(ProviderError::TooLong(_)))), "{refused:?}");
        assert!(count_of_any_length(&call, &model, &long).await.unwrap() > 20_000);
    }
}
