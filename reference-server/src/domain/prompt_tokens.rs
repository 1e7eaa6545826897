//! How many tokens a prompt has, before it is answered.

use std::sync::Arc;

use futures::FutureExt;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{CompletionRequest, ModelIdentity};
use super::{routing, shaping};
use crate::aside::aside;
use crate::brain;

/// The tokens of a prompt: so many as the answer to it will say that it had. One that is too long to be answered is
/// refused. Nothing is billed. Where the model is served by routes nobody is asked, and the count is this gateway's own.
pub(crate) async fn count(
    call: &Call,
    model: &Arc<Model>,
    request: &CompletionRequest,
) -> Result<u64, CallError> {
    let world = &call.world;
    let answering = call.answering(model, Capability::Chat);
    if call.routed(answering.id()).is_some() {
        return Ok(count_here(request));
    }
    let identity = shaping::identity(&world.defects, &answering.identity);
    Ok(world.provider.count(&identity, request).await?)
}

/// The tokens of a prompt, also of one that is too long to be answered, as whoever serves the model counts them.
/// Nothing is billed.
pub(crate) async fn count_of_any_length(
    call: &Call,
    model: &Arc<Model>,
    request: &CompletionRequest,
) -> Result<u64, CallError> {
    let answering = call.answering(model, Capability::Chat);
    let Some(routed) = call.routed(answering.id()) else {
        return Ok(call.world.provider.count(&of_any_length(&answering.identity), request).await?);
    };
    let ask = move |route: Arc<routing::Route>, _| {
        async move { route.provider.count(&of_any_length(&route.identity), request).await }.boxed()
    };
    Ok(routing::ask(call, routed, || None, ask).await?)
}

/// The tokens of a prompt of any length as this gateway counts them, whoever serves the model.
pub(super) fn count_here(request: &CompletionRequest) -> u64 {
    // Only a limit can be passed, and there is none.
    aside(request.size(), || brain::count_for_another(request, None)).unwrap_or_default()
}

fn of_any_length(model: &ModelIdentity) -> ModelIdentity {
    ModelIdentity { context_tokens: None, ..model.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::completion;
    use super::super::inference::{Message, Part, ProviderError, Role};
    use super::super::routing::Policy;
    use super::super::routing::testing::{Script, network};
    use super::super::testing;
    use super::*;

    fn asking(text: &str) -> CompletionRequest {
        let message = Message::new(Role::User, vec![Part::Text(text.to_owned())]);
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

    #[tokio::test]
    async fn only_who_asks_for_a_count_has_the_provider_count() {
        let script = Script::saying(["four"]);
        let world = testing::world_over(network("gpt-3.5-turbo", Policy::default(), &[&script]));
        let call = world.call("chat_only");
        let model = Arc::clone(world.world.catalog.find("gpt-3.5-turbo").unwrap());
        let request = asking("hello world");
        assert_eq!((count(&call, &model, &request).await, script.calls()), (Ok(3 + 4 + 2), 0));
        assert_eq!((count_of_any_length(&call, &model, &request).await, script.calls()), (Ok(4), 1));
    }
}
