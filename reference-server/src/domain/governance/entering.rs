//! How a call is let in: everything that is looked at, in order, and counted only once nothing keeps it out.

use std::sync::Arc;

use axum::http::HeaderMap;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::blocked::Blocked;
use super::book::Book;
use super::caller::Caller;
use super::facade::Governance;
use super::itinerary::{Checks, Leg};
use super::meter::Flaws;
use super::meters::Check;
use super::request_type::RequestType;
use super::settlement::{Counted, SeatRow};
use crate::defect::{Defect, DefectSet};
use crate::domain::call_log::{CallRecord, CallStatus};
use crate::domain::clock::Moment;
use crate::domain::inference::Usage;
use crate::domain::ledger::Operation;
use crate::domain::routing::Switchboard;
use crate::domain::world::World;

/// How many fallbacks are asked at most.
const MOST_FALLBACKS: usize = 32;

/// What a call asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    /// That of the request, under which the log of calls has it.
    pub(crate) id: Uuid,
    pub(crate) request_type: RequestType,
    pub(crate) operation: Operation,
    /// As it stands in the request.
    pub(crate) model: &'a str,
    /// The kind of the provider of a model that names none, where the path says it.
    pub(crate) at: Option<&'a str>,
    /// Asked in order once the model has failed.
    pub(crate) fallbacks: Vec<String>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Option<&'a str>,
}

/// How a broken gateway lets calls in. A sound one has none of it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a defect of its own")]
pub(super) struct Misjudged {
    pub(super) allow_list_ignored: bool,
    pub(super) provider_list_ignored: bool,
    pub(super) prefixed_name_blocked: bool,
    pub(super) unprefixed_refused: bool,
    pub(super) owner_limits_ignored: bool,
    pub(super) owner_budgets_ignored: bool,
    pub(super) window_limit_ignored: bool,
    pub(super) virtual_budget_ignored: bool,
    pub(super) owner_meters_copied: bool,
    pub(super) config_meters_ignored: bool,
    pub(super) model_configs_ignored: bool,
    only_chats_counted: bool,
    streams_uncharged: bool,
    fallbacks_for_chats_only: bool,
    limits_shared: bool,
    blocked_fallback_asked: bool,
    limit_races: bool,
}

impl Misjudged {
    fn of(defects: &DefectSet) -> Self {
        if !defects.any() {
            return Self::default();
        }
        Self {
            allow_list_ignored: defects.has(Defect::AllowListIgnored),
            provider_list_ignored: defects.has(Defect::ProviderListIgnored),
            prefixed_name_blocked: defects.has(Defect::PrefixedNameBlocked),
            unprefixed_refused: defects.has(Defect::UnprefixedRefused),
            owner_limits_ignored: defects.has(Defect::OwnerLimitsIgnored),
            owner_budgets_ignored: defects.has(Defect::OwnerBudgetsIgnored),
            window_limit_ignored: defects.has(Defect::WindowLimitIgnored),
            virtual_budget_ignored: defects.has(Defect::VirtualBudgetIgnored),
            owner_meters_copied: defects.has(Defect::OwnerMetersCopied),
            config_meters_ignored: defects.has(Defect::ConfigMetersIgnored),
            model_configs_ignored: defects.has(Defect::ModelConfigsIgnored),
            only_chats_counted: defects.has(Defect::OnlyChatsCounted),
            streams_uncharged: defects.has(Defect::StreamsUncharged),
            fallbacks_for_chats_only: defects.has(Defect::FallbacksForChatsOnly),
            limits_shared: defects.has(Defect::VirtualKeyLimitsShared),
            blocked_fallback_asked: defects.has(Defect::BlockedFallbackAsked),
            limit_races: defects.has(Defect::LimitRaces),
        }
    }
}

/// A call that wants in.
pub(super) struct Entering<'e> {
    pub(super) governance: &'e Governance,
    pub(super) world: &'e World,
    pub(super) switchboard: &'e Switchboard,
    pub(super) caller: &'e Caller,
    pub(super) asked: &'e Asked<'e>,
    pub(super) book: Arc<Book>,
    pub(super) now: Moment,
    pub(super) misjudged: Misjudged,
    flaws: Flaws,
}

/// A call that is in: counted, and with the way it goes.
pub(super) struct Entered {
    pub(super) id: Uuid,
    /// Provider and model as they were asked for.
    pub(super) requested: (Arc<str>, Arc<str>),
    pub(super) first: Leg,
    pub(super) fallbacks: Vec<Leg>,
    pub(super) rule: Option<Uuid>,
    pub(super) seat: Option<SeatRow>,
    pub(super) counted: Vec<Counted>,
    /// Whether a broken gateway counts the request only when it has ended.
    pub(super) counts_late: bool,
    /// Whether a broken gateway takes no tokens and no dollars for it.
    pub(super) is_free: bool,
    pub(super) started: Moment,
    pub(super) flaws: Flaws,
}

impl<'e> Entering<'e> {
    pub(super) fn new(
        governance: &'e Governance,
        world: &'e World,
        switchboard: &'e Switchboard,
        caller: &'e Caller,
        asked: &'e Asked<'e>,
    ) -> Self {
        Self {
            governance,
            world,
            switchboard,
            caller,
            asked,
            book: governance.book(),
            now: world.clock.now(),
            misjudged: Misjudged::of(&world.defects),
            flaws: Flaws::of(&world.defects),
        }
    }

    /// Looks at everything that may keep the call out, then counts it.
    pub(super) fn enter(&self) -> Result<Entered, Blocked> {
        self.required_headers()?;
        let asked = self.named(self.asked.model);
        let mut named = asked.clone();
        let ruled = self.rule(&asked);
        if let Some((_, target)) = &ruled {
            named.provider = target.provider.clone().or(named.provider);
            named.model = target.model.clone().unwrap_or(named.model);
        }
        let target = self.target(named)?;
        let common = self.common_checks(&target);
        self.look(&common)?;
        let config = self.config(&target)?;
        let own = self.own_checks(config);
        let pinned = ruled.as_ref().and_then(|(_, target)| target.key_id.as_deref());
        let keys = self.first_keys(&target, config, pinned)?;
        if self.misjudged.limits_shared {
            self.look_at_others()?;
        }
        // Looked at before the call counts: what is used up by itself is there for it.
        let fallbacks = self.fallbacks(ruled.as_ref().map(|(rule, _)| rule.fallbacks.as_slice()));
        let checks = common.then(own);
        let counted = self.count(&checks)?;
        // Nobody who is kept out takes a seat, or keeps one.
        let leg = |(key, seat)| Some((self.leg(&target, key, checks.all)?, seat));
        let no_key = || Blocked::NoKeys((*target.name).to_owned());
        let (first, seat) = self.first_key(&target, &keys).and_then(leg).ok_or_else(no_key)?;
        Ok(Entered {
            id: self.asked.id,
            requested: (Arc::clone(&target.entry.name), asked.model),
            first,
            fallbacks,
            rule: ruled.map(|(rule, _)| rule.id),
            seat,
            counted,
            counts_late: self.misjudged.limit_races,
            is_free: self.is_passed_over() || self.is_free_stream(),
            started: self.now,
            flaws: self.flaws,
        })
    }

    /// What the log of calls tells of a call that is kept out.
    pub(super) fn refusal(&self, blocked: &Blocked) -> CallRecord {
        let named = self.named(self.asked.model);
        let virtual_key = self.caller.virtual_key.as_ref();
        CallRecord {
            id: self.asked.id,
            at: self.now,
            provider: named.provider,
            model: named.model,
            object: self.asked.request_type.object().into(),
            status: CallStatus::Error,
            status_code: Some(blocked.status()),
            latency_ms: 0,
            usage: Usage::default(),
            cost: Decimal::ZERO,
            key: None,
            virtual_key: virtual_key.map(|key| (key.id, key.name.as_str().into())),
            rule: None,
            attempts: 0,
            error: Some(blocked.to_string().into()),
        }
        .brief()
    }

    /// The text of a header.
    pub(super) fn header(&self, name: &str) -> Option<&'e str> {
        self.asked.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    fn required_headers(&self) -> Result<(), Blocked> {
        let required = &self.book.settings.required_headers;
        let missing = required.iter().filter(|name| !self.asked.headers.contains_key(name.as_str()));
        let missing: Vec<_> = missing.map(String::as_str).collect();
        if missing.is_empty() { Ok(()) } else { Err(Blocked::HeadersMissing(missing.join(", "))) }
    }

    fn look(&self, checks: &Checks) -> Result<(), Blocked> {
        match self.governance.meters.exceeded(&checks.all, self.now, self.flaws) {
            Some((place, over)) => Err(Blocked::by(checks.owner(place), over)),
            None => Ok(()),
        }
    }

    /// Whether the limit of any virtual key is used up.
    fn look_at_others(&self) -> Result<(), Blocked> {
        let limits = self.book.virtual_keys.iter().filter_map(|key| key.rate_limit);
        let all: Vec<_> = limits.map(|meter| Check { meter, refuses: true }).collect();
        let owners = vec!["virtual key"; all.len()];
        self.look(&Checks { all, owners })
    }

    /// Counts the call on everything it counts on. One that asks no provider has to have something left, and takes
    /// nothing of it.
    fn count(&self, checks: &Checks) -> Result<Vec<Counted>, Blocked> {
        let asks_provider = self.asked.request_type.asks_provider();
        if self.misjudged.limit_races || self.is_passed_over() || !asks_provider {
            return self.look(checks).map(|()| Vec::new());
        }
        let admitted = self.governance.meters.admit(&checks.all, self.now, self.flaws);
        admitted.map_err(|(place, over)| Blocked::by(checks.owner(place), over))
    }

    /// Whether a broken gateway counts nothing of the call, whatever comes of it.
    fn is_passed_over(&self) -> bool {
        self.misjudged.only_chats_counted && self.asked.request_type != RequestType::Chat
    }

    /// Whether it is a stream of a broken gateway that takes nothing for them.
    fn is_free_stream(&self) -> bool {
        self.misjudged.streams_uncharged && self.asked.request_type.is_streamed()
    }

    /// The fallbacks of the call, or else of the rule. Those that the caller may not use now are left out; whether the
    /// others may be asked is found out, and counted, when it is their turn.
    fn fallbacks(&self, by_rule: Option<&[String]>) -> Vec<Leg> {
        if self.misjudged.fallbacks_for_chats_only && self.asked.request_type != RequestType::Chat {
            return Vec::new();
        }
        let own = Some(self.asked.fallbacks.as_slice()).filter(|own| !own.is_empty());
        let texts = own.or(by_rule).unwrap_or_default();
        texts.iter().take(MOST_FALLBACKS).filter_map(|text| self.fallback(text)).collect()
    }

    fn fallback(&self, text: &str) -> Option<Leg> {
        let target = self.target(self.named(text)).ok()?;
        let waived = self.misjudged.blocked_fallback_asked;
        let config = match self.config(&target) {
            Ok(config) => config,
            Err(_) if waived => None,
            Err(_) => return None,
        };
        let mut checks = self.common_checks(&target).then(self.own_checks(config));
        if waived {
            checks.waive();
        }
        self.look(&checks).ok()?;
        let key = self.fallback_key(&target, config)?;
        self.leg(&target, key, checks.all)
    }
}
