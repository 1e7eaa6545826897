//! The routes of one model, and the order in which a request tries them.

use std::sync::Arc;

use super::chance::Chance;
use super::network::name_at_provider;
use super::plan::{Policy, Tells};
use super::route::Route;
use super::seats::Seats;
use crate::domain::call::Call;
use crate::domain::clock::Moment;
use crate::domain::governance::Leg;
use crate::domain::inference::ModelIdentity;

/// When a route is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Once those before it have not answered.
    Own,
    /// In place of the one that was chosen, where that cannot carry the request.
    Substitute,
}

/// A model that is served by routes.
pub(crate) struct RoutedModel {
    /// One is chosen by weight.
    pub(super) routes: Vec<Arc<Route>>,
    /// Asked in order once that one has failed.
    pub(super) fallbacks: Vec<Arc<Route>>,
    pub(super) policy: Policy,
    pub(super) chance: Chance,
    seats: Seats,
}

impl RoutedModel {
    pub(super) fn new(
        routes: Vec<Arc<Route>>,
        fallbacks: Vec<Arc<Route>>,
        policy: Policy,
        seed: u64,
    ) -> Self {
        Self { routes, fallbacks, policy, chance: Chance::seeded(seed), seats: Seats::default() }
    }

    /// The routes of one governed call: the first of its legs, and the others as fallbacks in their order, each asked
    /// once. A model for one call has nothing to remember, so there are neither breakers nor sessions.
    pub(crate) fn of_legs(legs: &[Leg], seed: u64) -> Self {
        let policy = Policy { tells: Tells::First, ..Policy::default() };
        let route = |(place, leg): (usize, &Leg)| {
            let identity = ModelIdentity { id: name_at_provider(&leg.model), ..leg.model.identity.clone() };
            let (provider, name) = (Arc::clone(&leg.provider_instance), Arc::clone(&leg.provider));
            Arc::new(Route::new(provider, name, identity, 1, None).at_leg(place))
        };
        let mut routes: Vec<_> = legs.iter().enumerate().map(route).collect();
        let fallbacks = routes.split_off(routes.len().min(1));
        Self::new(routes, fallbacks, policy, seed)
    }

    /// Whether other routes are asked once one has failed.
    pub(crate) fn has_fallbacks(&self) -> bool {
        !self.fallbacks.is_empty()
    }

    /// The routes that a call tries, one after the other: the one that is chosen for it, the others in case that this
    /// one cannot carry it, and the fallbacks.
    pub(super) fn order(&self, call: &Call) -> impl Iterator<Item = (Turn, &Arc<Route>)> {
        let chosen = self.chosen(call);
        let is_other = move |route: &&Arc<Route>| chosen.is_none_or(|chosen| !Arc::ptr_eq(chosen, route));
        let others = self.routes.iter().filter(is_other).map(|route| (Turn::Substitute, route));
        let own = |route| (Turn::Own, route);
        chosen.into_iter().map(own).chain(others).chain(self.fallbacks.iter().map(own))
    }

    /// The route that a call begins with: its session's, or one by weight. Routes whose breakers are open stand aside.
    fn chosen(&self, call: &Call) -> Option<&Arc<Route>> {
        let now = call.world.clock.now();
        let sticky = self.policy.sticky.as_ref();
        let seat = sticky.and_then(|sticky| Some((sticky, sticky.seat(call.key.id, &call.sessions)?)));
        let Some((sticky, seat)) = seat else { return self.by_weight(now).map(|(_, route)| route) };
        let seated = self.seats.find(&seat, sticky, now).and_then(|place| self.routes.get(place));
        if let Some(route) = seated.filter(|route| route.admits(now)) {
            return Some(route);
        }
        let (place, route) = self.by_weight(now)?;
        self.seats.take(seat, place, sticky, now);
        Some(route)
    }

    fn by_weight(&self, now: Moment) -> Option<(usize, &Arc<Route>)> {
        let place = match self.routes.as_slice() {
            // There is nothing to choose, and chance need not be asked.
            [only] => only.admits(now).then_some(0)?,
            routes => {
                let open = routes.iter().enumerate().filter(|(_, route)| route.admits(now));
                let open: Vec<_> = open.map(|(place, route)| (place, route.weight)).collect();
                self.chance.choose(open.iter().copied())?
            }
        };
        Some((place, self.routes.get(place)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use super::super::breaker::BreakerPolicy;
    use super::super::seats::{Session, Sticky};
    use super::super::testing::{Script, model, route};
    use super::*;
    use crate::domain::testing::{self, TestWorld};

    fn sticky() -> Sticky {
        Sticky { header: "x-session".into(), ttl: Duration::from_mins(10) }
    }

    fn weighed(policy: Policy) -> RoutedModel {
        let routes = [("one", 3), ("two", 1)];
        let routes = routes.map(|(name, weight)| route(name, weight, &policy, &Script::default()));
        let fallbacks = vec![route("three", 1, &policy, &Script::default())];
        RoutedModel::new(routes.into(), fallbacks, policy, 7)
    }

    fn named(call: &Call, session: &str) -> Call {
        Call { sessions: vec![Session::new("x-session".into(), session.as_bytes())], ..call.clone() }
    }

    /// The routes that are asked one after the other.
    fn in_turn<'m>(model: &'m RoutedModel, call: &Call) -> Vec<&'m str> {
        let own = model.order(call).filter(|(turn, _)| *turn == Turn::Own);
        own.map(|(_, route)| &*route.server.provider).collect()
    }

    fn first<'m>(model: &'m RoutedModel, call: &Call) -> &'m str {
        in_turn(model, call)[0]
    }

    fn fail(model: &RoutedModel, place: usize, world: &TestWorld) {
        let now = world.world.clock.now();
        model.routes[place].admit(now).unwrap().fail(now);
    }

    #[test]
    fn weights_decide_and_the_fallbacks_follow() {
        let world = testing::world();
        let call = world.call("chat_only");
        let model = weighed(Policy::default());
        let mut counted = BTreeMap::new();
        for _ in 0..1_000 {
            let order = in_turn(&model, &call);
            assert_eq!((order.len(), order[1]), (2, "three"));
            *counted.entry(order[0].to_owned()).or_insert(0) += 1;
        }
        assert!((650..850).contains(&counted["one"]), "{counted:?}");
        assert_eq!(counted["one"] + counted["two"], 1_000);
    }

    #[test]
    fn an_open_breaker_leaves_the_others_and_then_the_fallbacks() {
        let world = testing::world();
        let call = world.call("chat_only");
        let breaker = Some(BreakerPolicy { failures: 1, cooldown: Duration::from_secs(30) });
        let model = weighed(Policy { breaker, ..Policy::default() });
        fail(&model, 0, &world);
        assert!((0..100).all(|_| first(&model, &call) == "two"));
        fail(&model, 1, &world);
        assert!((0..100).all(|_| first(&model, &call) == "three"));
        world.world.clock.advance(31_000_000);
        assert_ne!(first(&model, &call), "three");
    }

    #[test]
    fn the_routes_that_were_not_chosen_stand_in_for_the_one_that_was() {
        let world = testing::world();
        let model = weighed(Policy::default());
        let order: Vec<_> = model.order(&world.call("chat_only")).collect();
        let turns: Vec<_> = order.iter().map(|(turn, _)| *turn).collect();
        assert_eq!(turns, [Turn::Own, Turn::Substitute, Turn::Own]);
        let names: BTreeSet<_> = order[..2].iter().map(|(_, route)| &*route.server.provider).collect();
        assert_eq!(names, BTreeSet::from(["one", "two"]));
    }

    #[test]
    fn a_session_stays_where_it_is_until_its_time_is_over() {
        let world = testing::world();
        let call = world.call("chat_only");
        let model = weighed(Policy { sticky: Some(sticky()), ..Policy::default() });
        let places: Vec<_> =
            (0..40).map(|number| first(&model, &named(&call, &number.to_string()))).collect();
        assert!(places.contains(&"one") && places.contains(&"two"), "{places:?}");
        let again = |places: &[&str]| {
            let kept =
                |(number, place): (usize, &&str)| first(&model, &named(&call, &number.to_string())) == *place;
            places.iter().enumerate().filter(|place| kept(*place)).count()
        };
        world.world.clock.advance(599_000_000);
        assert_eq!(again(&places), 40);
        world.world.clock.advance(599_000_000);
        assert_eq!(again(&places), 40);
        world.world.clock.advance(601_000_000);
        assert!(again(&places) < 40);
        // Another key's session of the same name is another.
        let other = world.call("all_scopes");
        let theirs: Vec<_> =
            (0..40).map(|number| first(&model, &named(&other, &number.to_string()))).collect();
        assert_ne!(theirs, places);
    }

    #[test]
    fn a_session_moves_when_its_route_is_left_alone_and_stays_there() {
        let world = testing::world();
        let call = named(&world.call("chat_only"), "mine");
        let breaker = Some(BreakerPolicy { failures: 1, cooldown: Duration::from_secs(30) });
        let model = weighed(Policy { breaker, sticky: Some(sticky()), ..Policy::default() });
        let before = first(&model, &call).to_owned();
        let place = usize::from(before == "two");
        fail(&model, place, &world);
        let after = first(&model, &call).to_owned();
        assert_ne!(after, before);
        world.world.clock.advance(31_000_000);
        assert!((0..50).all(|_| first(&model, &call) == after));
    }

    #[test]
    fn one_route_needs_no_chance() {
        let world = testing::world();
        let only = model(&Policy::default(), &[&Script::default()]);
        assert_eq!(first(&only, &world.call("chat_only")), "p0");
    }
}
