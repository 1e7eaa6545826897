//! A key that is never sent: requests are signed with it.

/// A pair of keys with which requests are signed, as AWS has them.
pub(crate) struct AccessKey {
    /// Which key it is. Everybody may know it.
    pub(crate) id: String,
    /// What is signed with. Whoever signs and whoever checks the signature know it.
    pub(crate) secret: String,
    /// The region for which requests are to be signed.
    pub(crate) region: String,
}
