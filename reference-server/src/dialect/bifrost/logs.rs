//! `/api/logs`: the calls that were made, and what they come to.

use std::str::FromStr;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::{Refusal, json as told};
use super::exchange::Exchange;
use super::management;
use crate::defect::{Defect, DefectSet};
use crate::domain::call_log::{CallQuery, CallRecord, CallStats, CallStatus, Sort};
use crate::domain::clock::Moment;
use crate::domain::governance::{Book, ChangeError, dollars};
use crate::percent;

/// How many are told where no number is asked for.
const USUAL: u64 = 50;
/// How many are told at most.
const MOST: u64 = 1_000;
/// The words for what they are put in order by.
const SORTS: [(&str, Sort); 4] =
    [("timestamp", Sort::Time), ("latency", Sort::Latency), ("tokens", Sort::Tokens), ("cost", Sort::Cost)];

/// Answers a request to a path below `/api/logs`.
pub(super) async fn serve(exchange: &Exchange<'_>, path: &str) -> Result<Response, Refusal> {
    management::admit(exchange)?;
    exchange.only(&Method::GET, "GET")?;
    let path = path.strip_prefix("/api").unwrap_or(path);
    let path = path.strip_prefix("/logs").unwrap_or(path).trim_matches('/');
    let (world, defects) = (exchange.world, &exchange.world.defects);
    let query = exchange.head.uri.query().unwrap_or_default();
    match path {
        "" => {
            let query = wanted(query, defects)?;
            let (limit, offset) = (query.limit, query.offset);
            let (sort, descending) = (query.sort, query.descending);
            let stats = world.calls.stats(query.clone()).await.map_err(ChangeError::Store)?;
            let page = world.calls.page(query).await.map_err(ChangeError::Store)?;
            let has_logs = page.total > 0 || has_any(exchange).await?;
            let book = world.governance.book();
            let logs: Vec<_> = page.records.iter().map(|record| entry(record, &book, defects)).collect();
            let sort_by = SORTS.into_iter().find(|(_, known)| *known == sort).map(|(name, _)| name);
            let pagination = json!({
                "limit": limit,
                "offset": offset,
                "sort_by": sort_by,
                "order": if descending { "desc" } else { "asc" },
                "total_count": page.total,
            });
            let list = json!({
                "logs": logs, "pagination": pagination, "stats": sums(&stats), "has_logs": has_logs,
            });
            Ok(told(StatusCode::OK, &list))
        }
        "stats" => {
            let query = wanted(query, defects)?;
            let mut stats = world.calls.stats(query.clone()).await.map_err(ChangeError::Store)?;
            if defects.has(Defect::StatsOfLastCall) {
                let last = CallQuery { limit: 1, ..query };
                let page = world.calls.page(last).await.map_err(ChangeError::Store)?;
                if let Some(CallRecord { usage, cost, .. }) = page.records.first() {
                    stats.tokens = usage.input_tokens.saturating_add(usage.output_tokens);
                    stats.cost = *cost;
                }
            }
            Ok(told(StatusCode::OK, &sums(&stats)))
        }
        // Whoever is answered is in the log.
        "dropped" => Ok(told(StatusCode::OK, &json!({ "dropped_requests": 0 }))),
        id => {
            let id = percent::decoded(id);
            // It is that of the request, which OpenAI's wire tells with this in front.
            let id = id.strip_prefix("req_").unwrap_or(&id);
            let found = world.calls.find(id).await.map_err(ChangeError::Store)?;
            let record = found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Log not found"))?;
            Ok(told(StatusCode::OK, &entry(&record, &world.governance.book(), defects)))
        }
    }
}

/// Whether there are any calls at all, wanted or not.
async fn has_any(exchange: &Exchange<'_>) -> Result<bool, Refusal> {
    let any = CallQuery { limit: 1, ..CallQuery::default() };
    Ok(exchange.world.calls.page(any).await.map_err(ChangeError::Store)?.total > 0)
}

/// Which calls a query asks for.
fn wanted(query: &str, defects: &DefectSet) -> Result<CallQuery, Refusal> {
    let sort = match one(query, "sort_by") {
        None => Sort::default(),
        Some(name) => {
            let known = SORTS.into_iter().find(|(known, _)| *known == name);
            known.map(|(_, sort)| sort).ok_or_else(|| wrong("sort_by"))?
        }
    };
    let descending = match one(query, "order").as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(_) => return Err(wrong("order")),
    };
    let limit = number(query, "limit")?.filter(|limit| *limit > 0).unwrap_or(USUAL).min(MOST);
    let offset = number(query, "offset")?.unwrap_or(0);
    let status = many(query, "status").into_iter().map(|name| CallStatus::from_name(&name));
    let virtual_keys = many(query, "virtual_key_ids").into_iter().map(|id| Uuid::try_parse(&id).ok());
    let wanted = CallQuery {
        providers: many(query, "providers"),
        models: many(query, "models"),
        status: status.collect::<Option<_>>().ok_or_else(|| wrong("status"))?,
        objects: many(query, "objects"),
        key_ids: many(query, "selected_key_ids"),
        virtual_keys: virtual_keys.collect::<Option<_>>().ok_or_else(|| wrong("virtual_key_ids"))?,
        from: moment(query, "start_time")?,
        to: moment(query, "end_time")?,
        latency: (number(query, "min_latency")?, number(query, "max_latency")?),
        tokens: (number(query, "min_tokens")?, number(query, "max_tokens")?),
        cost: (number::<Decimal>(query, "min_cost")?, number(query, "max_cost")?),
        limit,
        offset,
        sort,
        descending,
    };
    if defects.has(Defect::LogFiltersIgnored) {
        return Ok(CallQuery { limit, offset, sort, descending, ..CallQuery::default() });
    }
    Ok(wanted)
}

/// A parameter's value, where it says anything.
fn one(query: &str, name: &str) -> Option<String> {
    percent::field(query, name).filter(|value| !value.is_empty())
}

/// The values of a parameter, with commas between them.
fn many(query: &str, name: &str) -> Vec<String> {
    let values = one(query, name).unwrap_or_default();
    values.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn number<T: FromStr>(query: &str, name: &str) -> Result<Option<T>, Refusal> {
    one(query, name).map(|text| text.parse().map_err(|_| wrong(name))).transpose()
}

fn moment(query: &str, name: &str) -> Result<Option<Moment>, Refusal> {
    one(query, name).map(|text| Moment::parse(&text).ok_or_else(|| wrong(name))).transpose()
}

fn wrong(name: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid {name} parameter"))
}

/// A call as it is told.
fn entry(record: &CallRecord, book: &Book, defects: &DefectSet) -> Value {
    let usage = record.usage;
    let mut told = Map::new();
    let mut add = |name: &str, value: Value| told.insert(name.to_owned(), value);
    add("id", record.id.to_string().into());
    add("timestamp", record.at.to_string().into());
    add("object", Value::from(&*record.object));
    add("provider", record.provider.as_deref().into());
    add("model", Value::from(&*record.model));
    add("status", record.status.name().into());
    if let Some(code) = record.status_code {
        add("status_code", code.into());
    }
    add("latency", record.latency_ms.into());
    let tokens = json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
    });
    add("token_usage", tokens);
    add("cost", dollars(record.cost).into());
    if let Some((id, name)) = &record.key {
        add("selected_key_id", Value::from(&**id));
        add("selected_key_name", Value::from(&**name));
    }
    if let Some((id, name)) = &record.virtual_key {
        add("virtual_key_id", id.to_string().into());
        add("virtual_key_name", Value::from(&**name));
        if let Some(key) = book.virtual_keys.get(*id).filter(|_| defects.has(Defect::LogsTellContents)) {
            add("virtual_key", key.value.reveal().into());
        }
    }
    if let Some(rule) = record.rule {
        add("routing_rule_id", rule.to_string().into());
    }
    add("number_of_attempts", record.attempts.into());
    if let Some(error) = &record.error {
        add("error_details", json!({ "error": { "message": error } }));
    }
    Value::Object(told)
}

/// What calls come to.
fn sums(stats: &CallStats) -> Value {
    let CallStats { total, successes, tokens, cost, latency_sum_ms } = *stats;
    let share = |part: u64, places: u32| {
        let part = Decimal::from(part).checked_div(Decimal::from(total)).unwrap_or_default();
        dollars(part.round_dp(places))
    };
    json!({
        "total_requests": total,
        "success_rate": share(successes.saturating_mul(100), 2),
        "average_latency": share(latency_sum_ms, 2),
        "total_tokens": tokens,
        "total_cost": dollars(cost),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::Usage;

    fn query(text: &str) -> Result<CallQuery, String> {
        wanted(text, &DefectSet::default()).map_err(|refusal| refusal.message)
    }

    #[test]
    fn every_filter_is_read() {
        let id = Uuid::from_u128(7);
        let read = query(&format!(
            "providers=openai,anthropic&models=gpt-4o&status=success&objects=chat.completion&selected_key_ids=k&\
             virtual_key_ids={id}&start_time=2026-01-01T00%3A00%3A00Z&min_latency=1&max_tokens=9&min_cost=0.000001&\
             limit=5000&offset=3&sort_by=cost&order=asc"
        ))
        .unwrap();
        let expected = CallQuery {
            providers: vec!["openai".to_owned(), "anthropic".to_owned()],
            models: vec!["gpt-4o".to_owned()],
            status: vec![CallStatus::Success],
            objects: vec!["chat.completion".to_owned()],
            key_ids: vec!["k".to_owned()],
            virtual_keys: vec![id],
            from: Moment::parse("2026-01-01T00:00:00Z"),
            to: None,
            latency: (Some(1), None),
            tokens: (None, Some(9)),
            cost: (Some(Decimal::new(1, 6)), None),
            limit: MOST,
            offset: 3,
            sort: Sort::Cost,
            descending: false,
        };
        assert_eq!(read, expected);
        let usual = CallQuery { limit: USUAL, descending: true, ..CallQuery::default() };
        assert_eq!(query("").unwrap(), usual);
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_refused_by_name() {
        for name in [
            "status",
            "virtual_key_ids",
            "start_time",
            "min_latency",
            "max_cost",
            "limit",
            "sort_by",
            "order",
        ] {
            assert_eq!(query(&format!("{name}=nonsense")), Err(format!("Invalid {name} parameter")));
        }
    }

    #[test]
    fn a_broken_gateway_filters_nothing() {
        let defects = DefectSet::default();
        defects.set(&["log-filters-ignored".parse().unwrap()]);
        let read = wanted("providers=openai&limit=2", &defects).unwrap_or_default();
        assert_eq!(read, CallQuery { limit: 2, descending: true, ..CallQuery::default() });
    }

    #[test]
    fn a_call_tells_its_figures() {
        let record = CallRecord {
            id: Uuid::from_u128(1),
            at: Moment::from_micros(0),
            provider: Some("openai".into()),
            model: "gpt-4o".into(),
            object: "chat.completion".into(),
            status: CallStatus::Error,
            status_code: Some(503),
            latency_ms: 12,
            usage: Usage::of(3, 4),
            cost: Decimal::new(10, 6),
            key: Some(("k1".into(), "one".into())),
            virtual_key: None,
            rule: None,
            attempts: 2,
            error: Some("gone".into()),
        };
        let told = entry(&record, &Book::default(), &DefectSet::default());
        assert_eq!(
            (&told["cost"].to_string(), &told["token_usage"]["total_tokens"]),
            (&"0.00001".to_owned(), &json!(7))
        );
        assert_eq!((&told["status"], &told["selected_key_name"]), (&json!("error"), &json!("one")));
        assert_eq!(told["error_details"]["error"]["message"], "gone");
        assert_eq!(told.get("virtual_key_id"), None);
    }

    #[test]
    fn sums_are_exact_and_of_nothing_are_nothing() {
        let stats =
            CallStats { total: 3, successes: 2, tokens: 9, cost: Decimal::new(3, 1), latency_sum_ms: 10 };
        let told = sums(&stats);
        assert_eq!(told["success_rate"].to_string(), "66.67");
        assert_eq!(told["average_latency"].to_string(), "3.33");
        assert_eq!(told["total_cost"].to_string(), "0.3");
        assert_eq!(sums(&CallStats::default())["success_rate"].to_string(), "0");
    }
}
