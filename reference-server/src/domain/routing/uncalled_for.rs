//! A question to a provider that nobody was let in with. A sound gateway asks none.

use crate::domain::catalog::Capability;
use crate::domain::inference::{CompletionRequest, Message, Part, Role};
use crate::domain::world::World;

/// Asks the provider of the first chat model that has routes something, whose answer is nobody's.
pub(crate) async fn ask_uncalled_for(world: &World) {
    let mut chat = world.catalog.models().filter(|model| model.capability == Capability::Chat);
    let routed = chat.find_map(|model| world.routing.of(model.id()));
    let Some(route) = routed.and_then(|routed| routed.routes.first()) else { return };
    let question = Message::new(Role::User, vec![Part::Text("Hello".to_owned())]);
    let request = CompletionRequest { messages: vec![question], ..CompletionRequest::default() };
    let _ = route.provider.complete(&route.identity, request, None).await;
}

#[cfg(test)]
mod tests {
    use super::super::plan::Policy;
    use super::super::testing::{Script, network};
    use super::*;
    use crate::domain::testing;

    #[tokio::test]
    async fn one_provider_is_asked_if_there_is_one() {
        let script = Script::default();
        let routed = testing::world_over(network("gpt-4.1-mini", Policy::default(), &[&script]));
        ask_uncalled_for(&routed.world).await;
        ask_uncalled_for(&testing::world().world).await;
        assert_eq!(script.calls(), 1);
    }
}
