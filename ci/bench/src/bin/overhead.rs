//! Asks the provider simulator, directly and through a gateway that asks the simulator, and prints two tables: how much
//! longer it takes through the gateway, and how many answers there are a second.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use plumbline_bench::{
    Connection, Headers, KEY, Load, OPENAI_MODEL, Question, argument, bearer, percentiles,
};
use serde_json::json;

/// Calls on either way before the first that is counted.
const WARM_UP: usize = 500;
/// Calls on either way that are counted.
const CALLS: usize = 3_000;
/// Words of a question, so that a streamed answer has some thirty events.
const WORDS: usize = 10;
/// The header in which the gateway names the provider that has answered.
const PROVIDER: &str = "x-plumbline-provider";

/// A wire that both speak. The gateway asks the provider of the same wire, as `ci/bench/overhead.yaml` says.
struct Wire {
    name: &'static str,
    /// Where it is on both, and what `ci/bench/overhead.yaml` calls its provider.
    provider: &'static str,
    path: &'static str,
    model: &'static str,
    /// What the simulator takes.
    key: &'static str,
    /// How a key is sent, and what else has to be.
    headers: fn(&str) -> Headers,
}

static WIRES: [Wire; 2] = [
    Wire {
        name: "OpenAI",
        provider: "openai",
        path: "/v1/chat/completions",
        model: OPENAI_MODEL,
        key: "sk-upstream-openai",
        headers: bearer,
    },
    Wire {
        name: "Anthropic",
        provider: "anthropic",
        path: "/v1/messages",
        model: "claude-haiku-4-5",
        key: "sk-ant-upstream",
        headers: |key| vec![("x-api-key", key.to_owned()), ("anthropic-version", "2023-06-01".to_owned())],
    },
];

/// The same question on both ways.
struct Pair<'a> {
    wire: &'a Wire,
    is_streamed: bool,
    direct: Question,
    through: Question,
}

impl<'a> Pair<'a> {
    fn new(wire: &'a Wire, is_streamed: bool, simulator: &str, gateway: &str) -> Self {
        let words = ["word"; WORDS].join(" ");
        let body: Bytes = json!({
            "model": wire.model,
            "max_tokens": 1_000,
            "messages": [{ "role": "user", "content": words }],
            "stream": is_streamed,
        })
        .to_string()
        .into();
        let question = |host: &str, prefix: &str, key: &str| Question {
            host: host.to_owned(),
            path: format!("{prefix}{}{}", wire.provider, wire.path),
            headers: (wire.headers)(key),
            body: body.clone(),
        };
        let direct = question(simulator, "/", wire.key);
        let through = question(gateway, "/~", KEY);
        Self { wire, is_streamed, direct, through }
    }

    /// How long an answer takes, or the first event of a stream: the median and the 99th percentile, directly and
    /// through the gateway. The two take turns, so that both meet the same machine.
    async fn waits(&self) -> Result<[(Duration, Duration); 2]> {
        let mut direct = Connection::open(&self.direct.host).await?;
        let mut through = Connection::open(&self.through.host).await?;
        self.ensure_passed_on(&mut through).await?;
        let mut waits = [Vec::with_capacity(CALLS), Vec::with_capacity(CALLS)];
        for call in 0..WARM_UP + CALLS {
            let turns = [(&mut direct, &self.direct), (&mut through, &self.through)];
            for ((connection, question), waits) in turns.into_iter().zip(&mut waits) {
                let wait = self.wait(connection, question).await?;
                if call >= WARM_UP {
                    waits.push(wait);
                }
            }
        }
        Ok(waits.map(percentiles))
    }

    async fn wait(&self, connection: &mut Connection, question: &Question) -> Result<Duration> {
        if self.is_streamed {
            return connection.first_event(question).await;
        }
        let begun = Instant::now();
        connection.ask(question).await?.into_body().collect().await?;
        Ok(begun.elapsed())
    }

    /// Makes sure that the gateway asks its provider: without a route it would answer by itself, which would look
    /// like no overhead at all.
    async fn ensure_passed_on(&self, connection: &mut Connection) -> Result<()> {
        let answer = connection.ask(&self.through).await?;
        let provider = answer.headers().get(PROVIDER);
        let is_passed_on = provider.is_some_and(|provider| provider == self.wire.provider);
        ensure!(is_passed_on, "the gateway has not asked {} for {}", self.wire.provider, self.wire.model);
        answer.into_body().collect().await?;
        Ok(())
    }

    /// How many answers there are a second, directly and through the gateway: the middle one of three turns each.
    async fn rates(&self, time: Duration) -> Result<(f64, f64)> {
        let (mut direct, mut through) = ([0.0; 3], [0.0; 3]);
        for (direct, through) in direct.iter_mut().zip(&mut through) {
            *direct = rate(&self.direct, time).await?;
            *through = rate(&self.through, time).await?;
        }
        Ok((middle(direct), middle(through)))
    }
}

async fn rate(question: &Question, time: Duration) -> Result<f64> {
    let received = Load { question: question.clone(), time }.run().await?;
    Ok(received.a_second(received.answers))
}

fn middle(mut rates: [f64; 3]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    let [_, middle, _] = rates;
    middle
}

#[tokio::main]
async fn main() -> Result<()> {
    let simulator = argument(1, "the simulator's HOST:PORT")?;
    let gateway = argument(2, "the gateway's HOST:PORT")?;
    let time = Duration::from_secs(argument(3, "SECONDS")?.parse()?);
    let pairs: Vec<_> = WIRES
        .iter()
        .flat_map(|wire| [false, true].map(|is_streamed| Pair::new(wire, is_streamed, &simulator, &gateway)))
        .collect();
    let mut out = std::io::stdout();

    writeln!(
        out,
        "| one connection | directly | through the gateway | added | ratio |\n|---|---|---|---|---|"
    )?;
    for pair in &pairs {
        let what = if pair.is_streamed { "first event of a stream" } else { "whole answer" };
        let [(median, slow), (through_median, through_slow)] = pair.waits().await?;
        for (which, direct, through) in
            [("median", median, through_median), ("99th percentile", slow, through_slow)]
        {
            let (direct, through) = (direct.as_secs_f64() * 1e3, through.as_secs_f64() * 1e3);
            let (added, ratio) = (through - direct, through / direct);
            let name = pair.wire.name;
            writeln!(
                out,
                "| {name}, {what}, {which} | {direct:.2} ms | {through:.2} ms | {added:.2} ms | {ratio:.2} |"
            )?;
        }
    }

    writeln!(
        out,
        "\n| 64 connections, a second | directly | through the gateway | ratio |\n|---|---|---|---|"
    )?;
    for pair in &pairs {
        let what = if pair.is_streamed { "streams" } else { "whole answers" };
        let (direct, through) = pair.rates(time).await?;
        let (name, ratio) = (pair.wire.name, through / direct);
        writeln!(out, "| {name}, {what} | {direct:.0} | {through:.0} | {ratio:.2} |")?;
    }
    Ok(())
}
