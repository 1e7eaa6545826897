//! How defects change what a body is held to.

/// Where the rules deviate from the contract's: by default nowhere.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each rule is kept or broken on its own")]
pub(in super::super) struct Deviations {
    /// Numbers need not lie within their bounds, as long as they fit their type.
    pub(in super::super) bounds_ignored: bool,
    /// What is optional must not be null.
    pub(in super::super) null_refused: bool,
    /// A user's text must not be blank.
    pub(in super::super) blank_refused: bool,
    /// There need not be any message.
    pub(in super::super) no_message_accepted: bool,
    /// There need not be any text to embed.
    pub(in super::super) no_input_accepted: bool,
    /// Mistakes repeat all of the input, and however much of it.
    pub(in super::super) input_in_full: bool,
}
