//! How the models of one world are served.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::routed_model::RoutedModel;
use super::seats::Session;
use super::view::ModelView;
use crate::domain::clock::Moment;

/// The models that are served by routes. Those that are not here stay with the mock, and asking for one is one look
/// into an empty map.
#[derive(Default)]
pub(crate) struct Routing {
    models: BTreeMap<Arc<str>, RoutedModel>,
    /// The headers that name sessions, each once.
    headers: Vec<Arc<str>>,
}

impl Routing {
    pub(super) fn new(models: BTreeMap<Arc<str>, RoutedModel>) -> Self {
        let sticky = models.values().filter_map(|model| model.policy.sticky.as_ref());
        let mut headers: Vec<_> = sticky.map(|sticky| Arc::clone(&sticky.header)).collect();
        headers.sort_unstable();
        headers.dedup();
        Self { models, headers }
    }

    /// The routes of a model, by its id.
    pub(crate) fn of(&self, model: &str) -> Option<&RoutedModel> {
        self.models.get(model)
    }

    /// The sessions that a request names, of which `header` gives the headers.
    pub(crate) fn sessions<'h>(&self, header: impl Fn(&str) -> Option<&'h [u8]>) -> Vec<Session> {
        let named = |name: &Arc<str>| Some(Session::new(Arc::clone(name), header(name)?));
        self.headers.iter().filter_map(named).collect()
    }

    /// What is to be seen of the routes.
    pub(crate) fn view(&self, now: Moment) -> Vec<ModelView> {
        self.models.iter().map(|(id, model)| ModelView::of(id, model, now)).collect()
    }
}
