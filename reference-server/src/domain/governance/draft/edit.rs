//! The draft of a changed book, and what the store and the meters are to hear of it.

use std::sync::Arc;

use uuid::Uuid;

use super::super::book::{Book, Row};
use super::super::id;
use super::super::meters::Metering;
use super::super::settings::Settings;
use super::super::virtual_key::VirtualKey;
use super::Invalid;
use crate::defect::{Defect, DefectSet};
use crate::domain::clock::Moment;
use crate::domain::routing::Switchboard;
use crate::store::{Document, Forgotten, Kind};

/// How many rows of a kind there may be.
const MOST_ROWS: usize = 10_000;
/// The id under which the settings are kept.
const SETTINGS: &str = "settings";

/// How a broken gateway changes rows. A sound one has none of it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a defect of its own")]
pub(super) struct Flaws {
    pub(super) refused_write_kept: bool,
    refused_create_kept: bool,
    update_forgotten: bool,
    deletion_forgotten: bool,
    pub(super) customer_update_clears: bool,
    pub(super) team_update_clears: bool,
    pub(super) rename_switches_off: bool,
    pub(super) rename_detaches: bool,
    pub(super) update_lifts: bool,
    pub(super) two_owners_accepted: bool,
    pub(super) rule_weights_unchecked: bool,
    pub(super) duplicate_model_config_taken: bool,
    config_forgotten: bool,
}

impl Flaws {
    fn of(defects: &DefectSet) -> Self {
        if !defects.any() {
            return Self::default();
        }
        Self {
            refused_write_kept: defects.has(Defect::RefusedWriteKept),
            refused_create_kept: defects.has(Defect::RefusedCreateKept),
            update_forgotten: defects.has(Defect::UpdateForgotten),
            deletion_forgotten: defects.has(Defect::DeletionForgotten),
            customer_update_clears: defects.has(Defect::CustomerUpdateClears),
            team_update_clears: defects.has(Defect::TeamUpdateClears),
            rename_switches_off: defects.has(Defect::RenameSwitchesOff),
            rename_detaches: defects.has(Defect::RenameDetaches),
            update_lifts: defects.has(Defect::UpdateLifts),
            two_owners_accepted: defects.has(Defect::TwoOwnersAccepted),
            rule_weights_unchecked: defects.has(Defect::RuleWeightsUnchecked),
            duplicate_model_config_taken: defects.has(Defect::DuplicateModelConfigTaken),
            config_forgotten: defects.has(Defect::ConfigForgotten),
        }
    }
}

/// A book that is being changed, and how.
pub(crate) struct Draft {
    pub(in super::super) book: Book,
    pub(in super::super) now: Moment,
    pub(super) flaws: Flaws,
    /// What the configuration has, where the world is connected.
    pub(super) switchboard: Option<Arc<Switchboard>>,
    pub(in super::super) documents: Vec<Document>,
    pub(in super::super) metering: Vec<Metering>,
    /// Virtual keys that are deleted.
    pub(in super::super) departed: Vec<Arc<VirtualKey>>,
}

impl Draft {
    /// A draft in which nothing is changed yet.
    pub(in super::super) fn of(
        book: &Book,
        now: Moment,
        defects: &DefectSet,
        switchboard: Option<Arc<Switchboard>>,
    ) -> Self {
        Self {
            book: book.clone(),
            now,
            flaws: Flaws::of(defects),
            switchboard,
            documents: Vec::new(),
            metering: Vec::new(),
            departed: Vec::new(),
        }
    }

    /// The rows as they are by now.
    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    /// Whether what was refused takes effect as far as it got.
    pub(in super::super) fn keeps_refused(&self) -> bool {
        self.flaws.refused_write_kept || self.flaws.refused_create_kept
    }

    /// What is not counted any more: meters that are gone, and parts of limits that are written without them.
    pub(in super::super) fn forgotten(&self) -> Vec<Forgotten> {
        let forgotten = self.metering.iter().flat_map(|change| match change {
            Metering::Forget(id) => [Some(Forgotten::Meter(*id)), None],
            Metering::Limit(limit) => [
                limit.requests.is_none().then_some(Forgotten::Requests(limit.id)),
                limit.tokens.is_none().then_some(Forgotten::Tokens(limit.id)),
            ],
            Metering::Budget(_) => [None, None],
        });
        forgotten.flatten().collect()
    }

    /// Replaces the settings.
    pub(crate) fn set_settings(&mut self, settings: Settings) -> Result<(), Invalid> {
        if self.flaws.config_forgotten {
            return Ok(());
        }
        let body =
            serde_json::to_string(&settings).map_err(|error| Invalid::Unwritable(error.to_string()))?;
        self.documents.push(Document::Put { kind: Kind::Settings, id: SETTINGS.to_owned(), place: 0, body });
        self.book.settings = Arc::new(settings);
        Ok(())
    }

    /// A row that is there, to be changed.
    pub(super) fn row<T: Row + Clone>(&mut self, what: &'static str, id: &str) -> Result<T, Invalid> {
        let row = id::parse(id).and_then(|id| T::table(&mut self.book).get(id));
        row.map(|row| (**row).clone()).ok_or(Invalid::NotFound(what))
    }

    /// Whether there is room for another row.
    pub(super) fn room<T: Row>(&mut self, what: &'static str) -> Result<(), Invalid> {
        if T::table(&mut self.book).len() < MOST_ROWS { Ok(()) } else { Err(Invalid::TooMany(what)) }
    }

    /// Puts a row whose name is changed, and nothing else yet, where a defect keeps that.
    pub(super) fn begin<T: Row + Clone>(&mut self, row: &T) -> Result<(), Invalid> {
        if self.flaws.refused_write_kept {
            self.put(row.clone())?;
        }
        Ok(())
    }

    /// Puts a row that is new and not yet looked at, where a defect keeps that.
    pub(super) fn anticipate<T: Row>(&mut self, row: impl FnOnce() -> T) -> Result<(), Invalid> {
        if self.flaws.refused_create_kept {
            self.put(row())?;
        }
        Ok(())
    }

    /// Changes a row that is there. A broken gateway tells the change, and keeps nothing of it.
    pub(crate) fn updating<T, E>(&mut self, edit: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.editing(self.flaws.update_forgotten, edit)
    }

    /// Deletes a row. A broken gateway says that it is gone, and keeps it.
    pub(crate) fn deleting<T, E>(&mut self, edit: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.editing(self.flaws.deletion_forgotten, edit)
    }

    fn editing<T, E>(
        &mut self,
        is_forgotten: bool,
        edit: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = is_forgotten.then(|| self.book.clone());
        let outcome = edit(self)?;
        if let Some(before) = before {
            self.book = before;
            self.documents.clear();
            self.metering.clear();
            self.departed.clear();
        }
        Ok(outcome)
    }

    /// Puts a row, new or changed.
    pub(super) fn put<T: Row>(&mut self, row: T) -> Result<Arc<T>, Invalid> {
        let body = serde_json::to_string(&row).map_err(|error| Invalid::Unwritable(error.to_string()))?;
        let row = Arc::new(row);
        let place = T::table(&mut self.book).put(Arc::clone(&row));
        self.documents.push(Document::Put { kind: T::KIND, id: row.id().to_string(), place, body });
        Ok(row)
    }

    /// Takes a row out.
    pub(super) fn remove<T: Row>(&mut self, id: Uuid) {
        if T::table(&mut self.book).remove(id).is_some() {
            self.documents.push(Document::Delete { kind: T::KIND, id: id.to_string() });
        }
    }
}
