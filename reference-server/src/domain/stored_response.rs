//! Responses that a caller has had kept, to come back to.

use std::sync::Arc;

use uuid::Uuid;

use super::ledger::WorldNumber;
use crate::store::{Store, StoreError};

/// Most responses that one conversation may go back.
const LONGEST_CHAIN: u32 = 1_000;

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

/// What is known of a response before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// The bytes of it and of what it answers.
    pub(crate) size: usize,
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
        self.store.response(self.world, key_id, id.to_owned()).await
    }

    /// The bytes of a key's response and of what it answers; nothing where there is none.
    pub(crate) async fn size(&self, key_id: Uuid, id: &str) -> Result<Option<usize>, StoreError> {
        let kept = self.store.conversation(self.world, key_id, id.to_owned(), 1).await?;
        Ok(kept.first().map(|kept| kept.size))
    }

    /// Deletes a key's response; whether there was one.
    pub(crate) async fn delete(&self, key_id: Uuid, id: &str) -> Result<bool, StoreError> {
        self.store.delete_response(self.world, key_id, id.to_owned()).await
    }

    /// A response and those that it goes on from, the oldest first; none where the first is missing. Where an older
    /// one has been deleted, the conversation begins after it.
    pub(crate) async fn conversation(&self, key_id: Uuid, id: &str) -> Result<Vec<Kept>, StoreError> {
        self.store.conversation(self.world, key_id, id.to_owned(), LONGEST_CHAIN).await
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
        assert_eq!(responses.size(own, "one").await, Ok(Some(4)));
        assert_eq!(responses.find(other, "one").await, Ok(None));
        assert_eq!(responses.size(other, "one").await, Ok(None));
        assert_eq!(responses.delete(other, "one").await, Ok(false));
        assert_eq!(responses.delete(own, "one").await, Ok(true));
        assert_eq!(responses.delete(own, "one").await, Ok(false));
        assert_eq!(responses.find(own, "one").await, Ok(None));
    }

    #[tokio::test]
    async fn a_conversation_goes_back_to_its_beginning_or_to_what_was_deleted() {
        let world = testing::world();
        let responses = &world.world.responses;
        let key = Uuid::from_u128(1);
        let long = StoredResponse { input: "[\"ä\"]".to_owned(), ..response("two", 1, Some("one")) };
        for kept in [response("one", 1, None), long, response("three", 1, Some("two"))] {
            responses.keep(kept).await.unwrap();
        }
        let told = async |id: &str| {
            let found = responses.conversation(key, id).await.unwrap();
            found.into_iter().map(|kept| (kept.id, kept.size)).collect::<Vec<_>>()
        };
        let kept = |id: &str, size: usize| (id.to_owned(), size);
        assert_eq!(told("three").await, [kept("one", 4), kept("two", 8), kept("three", 4)]);
        assert_eq!(told("two").await, [kept("one", 4), kept("two", 8)]);
        responses.delete(key, "one").await.unwrap();
        assert_eq!(told("three").await, [kept("two", 8), kept("three", 4)]);
        assert!(told("four").await.is_empty());
        // Nobody goes on from a response of somebody else.
        responses.keep(response("five", 2, Some("three"))).await.unwrap();
        assert_eq!(responses.conversation(key, "five").await, Ok(Vec::new()));
        let other = responses.conversation(Uuid::from_u128(2), "five").await.unwrap();
        assert_eq!(other.len(), 1);
    }

    #[tokio::test]
    async fn a_conversation_has_an_end() {
        let world = testing::world();
        let responses = &world.world.responses;
        let id = |number: u32| number.to_string();
        for number in 0..LONGEST_CHAIN + 2 {
            let previous = number.checked_sub(1).map(id);
            responses.keep(response(&id(number), 1, previous.as_deref())).await.unwrap();
        }
        let last = id(LONGEST_CHAIN + 1);
        let found = responses.conversation(Uuid::from_u128(1), &last).await.unwrap();
        assert_eq!((found.len(), &found[0].id, &found[found.len() - 1].id), (1_000, &id(2), &last));
    }
}
