//! Who calls: the virtual key that a request shows, and whom it belongs to.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::blocked::Blocked;
use super::customer::Customer;
use super::facade::Governance;
use super::id::PREFIX;
use super::team::Team;
use super::virtual_key::{VirtualKey, nobody};
use crate::defect::Defect;
use crate::domain::key::{Key, SecretDigest};
use crate::domain::world::World;

/// The header for virtual keys, whatever they look like.
const OWN_HEADER: &str = "x-bf-vk";
/// Headers for credentials of many kinds. Of those only what begins like a virtual key is one.
const OTHER_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "x-bf-api-key"];

/// What a request shows of its caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'h> {
    pub(crate) headers: &'h HeaderMap,
    /// Whether it comes from this machine.
    pub(crate) is_local: bool,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Nothing where the caller needs none.
    pub(crate) virtual_key: Option<Arc<VirtualKey>>,
    /// What charges and memories know the caller by.
    pub(crate) key: Arc<Key>,
    pub(crate) team: Option<Arc<Team>>,
    pub(crate) customer: Option<Arc<Customer>>,
}

/// Whether a header holds the caller's credential.
pub(super) fn is_credential(name: &str) -> bool {
    name == AUTHORIZATION.as_str() || name == OWN_HEADER || OTHER_HEADERS.contains(&name)
}

/// The caller behind a request, where its virtual key is in force.
pub(super) fn identify(governance: &Governance, world: &World, sent: &Sent<'_>) -> Result<Caller, Blocked> {
    let (book, defects) = (governance.book(), &world.defects);
    let Some(value) = credential(sent.headers, defects.has(Defect::OnlyOwnHeaderRead)) else {
        let is_required = book.settings.requires_virtual_key && !defects.has(Defect::RequirementIgnored);
        return if sent.is_local && !is_required { Ok(anonymous()) } else { Err(Blocked::KeyRequired) };
    };
    let digest = SecretDigest::of(value);
    let known = book.virtual_key_of(&digest).cloned().or_else(|| governance.departed(&digest));
    let Some(key) = known.filter(|_| !defects.has(Defect::VirtualKeysUnknown)) else {
        let is_let_in = defects.has(Defect::UnknownVirtualKeyAnonymous);
        return if is_let_in { Ok(anonymous()) } else { Err(Blocked::KeyUnknown) };
    };
    if !key.is_active && !defects.has(Defect::InactiveAccepted) {
        return Err(Blocked::KeyInactive);
    }
    let (team, customer) = book.owners(&key);
    Ok(Caller { key: key.key(), virtual_key: Some(key), team, customer })
}

fn anonymous() -> Caller {
    Caller { virtual_key: None, key: nobody(), team: None, customer: None }
}

/// The value of the virtual key that is shown; the own header's before any other.
fn credential(headers: &HeaderMap, own_only: bool) -> Option<&[u8]> {
    let header = |name: &str| headers.get(name).map(|value| value.as_bytes().trim_ascii());
    if let Some(own) = header(OWN_HEADER).filter(|value| !value.is_empty()) {
        return Some(own);
    }
    if own_only {
        return None;
    }
    let bearer = header(AUTHORIZATION.as_str()).and_then(bearer);
    let others = OTHER_HEADERS.into_iter().filter_map(header);
    bearer.into_iter().chain(others).find(|value| value.starts_with(PREFIX.as_bytes()))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Tested, headers};
    use super::super::{Settings, VirtualKeyForm};
    use super::*;

    const ROLE_VALUE: &str = "sk-bf-plumbline-virtual-key";

    fn told(tested: &Tested, sent: &[(&str, &str)], is_local: bool) -> Result<Option<String>, Blocked> {
        let headers = headers(sent);
        let caller =
            tested.world.governance.identify(&tested.world, &Sent { headers: &headers, is_local })?;
        assert_eq!(caller.key.id, caller.virtual_key.as_ref().map(|key| key.id).unwrap_or_default());
        Ok(caller.virtual_key.map(|key| key.name.clone()))
    }

    #[tokio::test]
    async fn a_key_is_shown_in_any_of_five_headers() {
        let tested = Tested::new(None);
        let (_, value) = tested.key("mine", VirtualKeyForm::default()).await;
        let bearer = format!("bearer  {value}");
        for sent in [
            ("x-bf-vk", value.as_str()),
            ("authorization", bearer.as_str()),
            ("x-api-key", value.as_str()),
            ("x-goog-api-key", value.as_str()),
            ("x-bf-api-key", value.as_str()),
        ] {
            assert_eq!(told(&tested, &[sent], false), Ok(Some("mine".into())), "{}", sent.0);
        }
        // What others call a key is none, and the own header's counts first.
        assert_eq!(told(&tested, &[("authorization", "Bearer sk-other")], true), Ok(None));
        assert_eq!(told(&tested, &[("x-bf-vk", "sk-other")], true), Err(Blocked::KeyUnknown));
        let both = [("x-bf-vk", value.as_str()), ("x-api-key", "sk-bf-unknown")];
        assert_eq!(told(&tested, &both, false), Ok(Some("mine".into())));
    }

    #[tokio::test]
    async fn who_shows_none_is_let_in_from_here_unless_one_is_required() {
        let tested = Tested::new(None);
        assert_eq!(told(&tested, &[], true), Ok(None));
        assert_eq!(told(&tested, &[], false), Err(Blocked::KeyRequired));
        let settings = Settings { requires_virtual_key: true, ..Settings::default() };
        tested.change(|draft| draft.set_settings(settings)).await.unwrap();
        assert_eq!(told(&tested, &[], true), Err(Blocked::KeyRequired));
    }

    #[tokio::test]
    async fn a_key_that_is_switched_off_or_deleted_is_refused_at_once() {
        let tested = Tested::new(None);
        let (id, value) = tested.key("mine", VirtualKeyForm::default()).await;
        let sent = [("x-bf-vk", value.as_str())];
        let off = VirtualKeyForm { is_active: Some(false), ..VirtualKeyForm::default() };
        tested.change(|draft| draft.update_virtual_key(&id, off)).await.unwrap();
        assert_eq!(told(&tested, &sent, true), Err(Blocked::KeyInactive));
        tested.change(|draft| draft.delete_virtual_key(&id)).await.unwrap();
        assert_eq!(told(&tested, &sent, true), Err(Blocked::KeyUnknown));
    }

    #[tokio::test]
    async fn each_defect_lets_in_or_keeps_out_whom_it_says() {
        let unknown = ("x-bf-vk", "sk-bf-unknown");
        for (defect, sent, told_by_it) in [
            ("virtual-keys-unknown", ("x-bf-vk", ROLE_VALUE), Err(Blocked::KeyUnknown)),
            ("only-own-header-read", ("x-api-key", ROLE_VALUE), Ok(None)),
            ("unknown-virtual-key-anonymous", unknown, Ok(None)),
        ] {
            let sound = Tested::new(None);
            assert_ne!(told(&sound, &[sent], true), told_by_it, "{defect}");
            assert_eq!(told(&Tested::new(Some(defect)), &[sent], true), told_by_it, "{defect}");
        }
        let tested = Tested::new(Some("deleted-accepted"));
        let (id, value) = tested.key("mine", VirtualKeyForm::default()).await;
        tested.change(|draft| draft.delete_virtual_key(&id)).await.unwrap();
        assert_eq!(told(&tested, &[("x-bf-vk", &value)], true), Ok(Some("mine".into())));
        assert_eq!(told(&tested, &[unknown], true), Err(Blocked::KeyUnknown));
    }
}
