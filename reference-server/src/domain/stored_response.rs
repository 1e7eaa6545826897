//! Responses that a caller has had kept, to come back to.

use std::sync::Arc;

use uuid::Uuid;

use super::ledger::WorldNumber;
use crate::store::{Store, StoreError};

/// Most responses that one conversation may go back.
const LONGEST_CHAIN: usize = 1_000;

/// A response and what it answers. Both are kept as they are told on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredResponse {
    /// Unique in its world.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) key_id: Uuid,
    /// The response that it goes on from.
    pub(crate) previous: Option<String>,
    /// What was asked in this turn: a list, in JSON.
    pub(crate) input: String,
    /// The response: an object, in JSON.
    pub(crate) response: String,
}

/// One world's kept responses.
#[derive(Debug)]
pub(crate) struct StoredResponses {
    store: Arc<Store>,
    world: WorldNumber,
}

impl StoredResponses {
    /// Those of a world.
    pub(crate) fn new(store: Arc<Store>, world: WorldNumber) -> Self {
        Self { store, world }
    }

    /// Keeps a response; when this returns, it is found.
    pub(crate) async fn keep(&self, response: StoredResponse) -> Result<(), StoreError> {
        self.store.keep_response(self.world, response).await
    }

    /// A key's response; nothing where there is none, or it is another's.
    pub(crate) async fn find(&self, key_id: Uuid, id: &str) -> Result<Option<StoredResponse>, StoreError> {
        let found = self.store.response(self.world, id.to_owned()).await?;
        Ok(found.filter(|response| response.key_id == key_id))
    }

    /// Deletes a key's response; whether there was one.
    pub(crate) async fn delete(&self, key_id: Uuid, id: &str) -> Result<bool, StoreError> {
        let found = self.find(key_id, id).await?.is_some();
        if found {
            self.store.delete_response(self.world, id.to_owned()).await?;
        }
        Ok(found)
    }

    /// A response and those that it goes on from, the oldest first; nothing where the first is missing. Where an
    /// older one has been deleted, the conversation begins after it.
    pub(crate) async fn conversation(
        &self,
        key_id: Uuid,
        id: &str,
    ) -> Result<Option<Vec<StoredResponse>>, StoreError> {
        let Some(mut last) = self.find(key_id, id).await? else { return Ok(None) };
        let mut conversation = Vec::new();
        while let Some(previous) = last.previous.clone().filter(|_| conversation.len() < LONGEST_CHAIN) {
            conversation.push(last);
            match self.find(key_id, &previous).await? {
                Some(earlier) => last = earlier,
                None => {
                    conversation.reverse();
                    return Ok(Some(conversation));
                }
            }
        }
        conversation.push(last);
        conversation.reverse();
        Ok(Some(conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn response(id: &str, key: u128, previous: Option<&str>) -> StoredResponse {
        StoredResponse {
            id: id.to_owned(),
            key_id: Uuid::from_u128(key),
            previous: previous.map(str::to_owned),
            input: "[]".to_owned(),
            response: "{}".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_response_is_found_by_its_own_key_until_it_is_deleted() {
        let world = testing::world();
        let responses = &world.world.responses;
        responses.keep(response("one", 1, None)).await.unwrap();
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(responses.find(own, "one").await, Ok(Some(response("one", 1, None))));
        assert_eq!(responses.find(other, "one").await, Ok(None));
        assert_eq!(responses.delete(other, "one").await, Ok(false));
        assert_eq!(responses.delete(own, "one").await, Ok(true));
        assert_eq!(responses.find(own, "one").await, Ok(None));
    }

    #[tokio::test]
    async fn a_conversation_goes_back_to_its_beginning_or_to_what_was_deleted() {
        let world = testing::world();
        let responses = &world.world.responses;
        let key = Uuid::from_u128(1);
        for (id, previous) in [("one", None), ("two", Some("one")), ("three", Some("two"))] {
            responses.keep(response(id, 1, previous)).await.unwrap();
        }
        let ids = async || {
            let found = responses.conversation(key, "three").await.unwrap().unwrap();
            found.into_iter().map(|response| response.id).collect::<Vec<_>>()
        };
        assert_eq!(ids().await, ["one", "two", "three"]);
        responses.delete(key, "one").await.unwrap();
        assert_eq!(ids().await, ["two", "three"]);
        assert_eq!(responses.conversation(key, "four").await, Ok(None));
    }
}
