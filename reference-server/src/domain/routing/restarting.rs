//! What follows where a stream breaks off: nothing, at a sound gateway. What was passed on is the beginning of an answer
//! that nobody else can go on with.

use std::future::ready;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{iter, once};

use super::route::Route;
use super::routed_model::RoutedModel;
use crate::defect::Defect;
use crate::domain::call::Call;
use crate::domain::inference::CompletionRequest;
use crate::provider::{CompletionStream, Piece, StreamPart};

/// The parts of a stream of a model, and what a broken gateway puts between them and the error that ends them.
pub(crate) fn restarted(
    call: &Call,
    model: &RoutedModel,
    request: &CompletionRequest,
    parts: CompletionStream,
) -> CompletionStream {
    if !call.world.defects.has(Defect::CutStreamRestarted) {
        return parts;
    }
    let mut next = model.fallbacks.first().map(|route| (Arc::clone(route), request.clone()));
    let goes_on = move |part: Result<StreamPart, _>| {
        let other = if part.is_err() { next.take() } else { None };
        let begun =
            iter(other).filter_map(|(route, request)| async move { beginning(&route, request).await });
        begun.map(Ok).chain(once(ready(part)))
    };
    parts.flat_map(goes_on).boxed()
}

/// The first piece of text that a provider answers.
async fn beginning(route: &Route, request: CompletionRequest) -> Option<StreamPart> {
    let mut parts = route.provider.stream(&route.identity, request, None).await.ok()?;
    while let Some(Ok(part)) = parts.next().await {
        if matches!(part, StreamPart::Delta { piece: Piece::Text { .. }, .. }) {
            return Some(part);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::plan::Policy;
    use super::super::testing::{Deed, Script, model};
    use super::*;
    use crate::domain::testing;

    /// What comes of a stream whose second provider says `more`: texts, and `!` for an error.
    async fn told(defect: &str, deed: Deed) -> (String, usize) {
        let world = testing::world();
        world.break_with(Some(defect));
        let call = world.call("chat_only");
        let scripts = [Script::of([deed]), Script::saying(["more"])];
        let model = model(&Policy::default(), &scripts.each_ref());
        let route = &model.routes[0];
        let request = CompletionRequest::default();
        let parts = route.provider.stream(&route.identity, request.clone(), None).await.unwrap();
        let shown = |part: Result<StreamPart, _>| match part {
            Ok(StreamPart::Delta { piece: Piece::Text { text, .. }, .. }) => text,
            Ok(_) => String::new(),
            Err(_) => "!".to_owned(),
        };
        (restarted(&call, &model, &request, parts).map(shown).collect().await, scripts[1].calls())
    }

    #[tokio::test]
    async fn only_a_broken_gateway_goes_on_with_another_providers_answer() {
        let cut = || Deed::Break(&["one ", "two "]);
        assert_eq!(told("empty-answer", cut()).await, ("one two !".to_owned(), 0));
        assert_eq!(told("cut-stream-restarted", cut()).await, ("one two more!".to_owned(), 1));
        assert_eq!(told("cut-stream-restarted", Deed::Say("whole")).await, ("whole".to_owned(), 0));
    }
}
