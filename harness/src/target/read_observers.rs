//! Reads how the gateway is observed: its bills, its keys, its log.

use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use serde_json::{Map, Value};

use super::file::{BillingEntry, DeliveryEntry, KeyObserverEntry, LogsEntry, SourceEntry};
use super::read::{Reader, plain};
use super::{BillingObserver, Delivery, KeyObserver, LineSource, LogObserver, MarkerCall};
use crate::scenario::Path;
use crate::source::written::wrappers::Located;

/// How long an observer waits unless its descriptor says otherwise.
pub(super) const OBSERVER_DEADLINE: Duration = Duration::from_secs(5);

impl Reader<'_> {
    pub(super) fn billing(&mut self, entry: BillingEntry) -> Option<BillingObserver> {
        let only = match entry.only.as_ref().map(plain) {
            None => Map::new(),
            Some(Value::Object(members)) => members,
            Some(_) => {
                let span = entry.only.map(|tree| tree.span).unwrap_or_default();
                self.note(span, "`only` takes members", Some("write `only: { event: billing }`".to_owned()));
                Map::new()
            }
        };
        let delivery = match entry.delivery {
            DeliveryEntry::Immediate => Delivery::Immediate,
            DeliveryEntry::Ordered => Delivery::Ordered,
            DeliveryEntry::Unordered => Delivery::Unordered,
        };
        let marker = match entry.marker {
            None => None,
            Some(marker) => {
                let role = marker.role.as_str().into();
                self.call(marker.request).map(|call| MarkerCall { role, call })
            }
        };
        let deadline = self.duration(entry.deadline.as_ref()).unwrap_or(OBSERVER_DEADLINE);
        Some(BillingObserver {
            source: self.source(entry.from)?,
            only,
            model: self.optional_path(entry.model.as_ref()),
            input_tokens: self.optional_path(entry.input_tokens.as_ref()),
            output_tokens: self.optional_path(entry.output_tokens.as_ref()),
            key: self.optional_path(entry.key.as_ref()),
            cost: self.optional_path(entry.cost.as_ref()),
            delivery,
            marker,
            deadline,
        })
    }

    pub(super) fn key_observer(&mut self, entry: KeyObserverEntry) -> Option<KeyObserver> {
        let deadline = self.duration(entry.deadline.as_ref()).unwrap_or(OBSERVER_DEADLINE);
        let call = self.call(entry.request)?;
        Some(KeyObserver { call, last_used_at: self.path(&entry.last_used_at)?, deadline })
    }

    pub(super) fn logs(&mut self, entry: LogsEntry) -> Option<LogObserver> {
        let deadline = self.duration(entry.deadline.as_ref()).unwrap_or(OBSERVER_DEADLINE);
        let source = self.source(entry.from)?;
        Some(LogObserver { source, request_id: self.path(&entry.request_id)?, deadline })
    }

    fn source(&mut self, entry: Located<SourceEntry>) -> Option<LineSource> {
        let span = entry.span;
        match (entry.value.http, entry.value.file) {
            (Some(http), None) => {
                Some(LineSource::Http { call: self.call(http.request)?, lines: self.path(&http.lines)? })
            }
            (None, Some(file)) => {
                let template = self.template(&file.path)?;
                let path = PathBuf::from(self.fill(&template, file.path.span)?);
                let pattern = match &file.pattern {
                    None => None,
                    Some(pattern) => match Regex::new(pattern) {
                        Ok(regex) => Some(regex),
                        Err(error) => {
                            self.note(pattern.span, format!("the pattern is wrong: {error}"), None);
                            return None;
                        }
                    },
                };
                Some(LineSource::File { path, pattern })
            }
            _ => {
                self.note(span, "lines come from one place", Some("write `http: …` or `file: …`".to_owned()));
                None
            }
        }
    }

    fn optional_path(&mut self, text: Option<&Located<String>>) -> Option<Path> {
        text.and_then(|text| self.path(text))
    }
}
