//! Changes of a world's rows.

use super::super::error::Refusal;
use crate::domain::governance::Draft;
use crate::domain::world::World;

/// Changes rows. What an edit leaves as it was it has to find in the draft, for others may have changed that since the
/// request came.
pub(in super::super) async fn change<T: Send>(
    world: &World,
    edit: impl FnOnce(&mut Draft) -> Result<T, Refusal> + Send,
) -> Result<T, Refusal> {
    world.governance.change(world, edit).await
}
