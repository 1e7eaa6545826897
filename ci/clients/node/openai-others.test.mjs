// `openai`: embeddings, models, completions of the old kind, headers, typed errors, retries and timeouts.

import assert from 'node:assert/strict';

import OpenAI from 'openai';

import * as gateway from './gateway.mjs';
import { CAPITAL, CAPITAL_ANSWER, STORY, all, fault } from './gateway.mjs';

const MODEL = 'gpt-4.1-mini';
const SMALL = 'text-embedding-3-small';

function connect(options = {}) {
  return new OpenAI({ baseURL: `${gateway.URL}/v1`, apiKey: gateway.ALL_SCOPES, maxRetries: 0, ...options });
}

const client = connect();
const asked = (content, members = {}) => ({ model: MODEL, messages: [{ role: 'user', content }], ...members });
const ask = (client, content = CAPITAL, members = {}, options = {}) =>
  client.chat.completions.create(asked(content, members), options);
const textOf = (answer) => answer.choices[0].message.content;
const embed = async (input, members = {}) =>
  (await client.embeddings.create({ model: SMALL, input, ...members })).data.map((entry) => entry.embedding);
const near = (one, other) =>
  one.length === other.length && one.every((number, index) => Math.abs(number - other[index]) < 1e-6);
const feature = (name, what, run) => gateway.feature('openai', name, what, run);

/** The error that something ends in, which must be exactly of this kind. */
async function refused(kind, status, promise) {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (error) => error,
  );
  assert.equal(error.constructor, kind, String(error));
  assert.equal(error.status, status);
  assert.equal(error.requestID, error.headers.get('x-request-id'));
  assert.ok(error.requestID && error.message && error.type);
  assert.deepEqual(Object.keys(error.error).sort(), ['code', 'message', 'param', 'type']);
  return error;
}

feature('embeddings: base64', 'decoded by the client', async () => {
  const vectors = await embed(['hello', 'goodbye']);
  assert.deepEqual(
    vectors.map((vector) => vector.length),
    [1536, 1536],
  );
  assert.ok(vectors.every((vector) => Math.abs(Math.hypot(...vector) - 1) < 1e-3));
  const floats = await embed(['hello', 'goodbye'], { encoding_format: 'float' });
  assert.ok(near(vectors[0], floats[0]) && near(vectors[1], floats[1]) && !near(vectors[0], vectors[1]));
});

feature('embeddings: floats', 'as they are sent', async () => {
  const [vector] = await embed('hello', { encoding_format: 'float' });
  assert.ok(vector.length === 1536 && vector.every((number) => typeof number === 'number'));
});

feature('embeddings: dimensions', 'fewer', async () => {
  assert.equal((await embed('hello', { dimensions: 256 }))[0].length, 256);
});

feature('embeddings: tokens', 'as good as their text', async () => {
  // "hello" in the encoding cl100k_base.
  const [[text], [tokens]] = [await embed('hello'), await embed([15339])];
  assert.ok(near(text, tokens));
});

feature('models', 'listed and retrieved', async () => {
  const models = await all(client.models.list());
  const ids = models.map((model) => model.id);
  assert.ok([MODEL, 'gpt-4.1', 'o4-mini', SMALL].every((id) => ids.includes(id)));
  const { id, object, owned_by } = await client.models.retrieve(MODEL);
  assert.deepEqual({ id, object, owned_by }, { id: MODEL, object: 'model', owned_by: models[0].owned_by });
  assert.equal(
    (await refused(OpenAI.NotFoundError, 404, client.models.retrieve('no-such-model'))).code,
    'model_not_found',
  );
});

feature('completions', 'several answers behind their prompt', async () => {
  const answer = await client.completions.create({ model: MODEL, prompt: CAPITAL, max_tokens: 40, n: 2, echo: true });
  assert.equal(answer.object, 'text_completion');
  const texts = [CAPITAL + CAPITAL_ANSWER, `${CAPITAL}${CAPITAL_ANSWER} (choice 2)`];
  assert.deepEqual(
    answer.choices.map((choice) => choice.text),
    texts,
  );
  assert.equal((await client.completions.create({ model: MODEL, prompt: STORY })).choices[0].finish_reason, 'length');
});

feature('completions, streamed', 'chunks join to the whole text', async () => {
  const chunks = await all(await client.completions.create({ model: MODEL, prompt: CAPITAL, stream: true }));
  assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), CAPITAL_ANSWER);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
});

feature('raw responses and headers', 'withResponse and asResponse', async () => {
  const { data, response, request_id } = await ask(client).withResponse();
  assert.equal(textOf(data), CAPITAL_ANSWER);
  assert.ok(request_id);
  assert.deepEqual([data._request_id, response.headers.get('x-request-id')], [request_id, request_id]);
  assert.match(response.headers.get('openai-processing-ms'), /^\d+$/);
  for (const what of ['requests', 'tokens']) {
    const [limit, remaining] = ['limit', 'remaining'].map((name) =>
      Number(response.headers.get(`x-ratelimit-${name}-${what}`)),
    );
    assert.ok(remaining >= 0 && remaining <= limit && limit > 0);
    assert.match(response.headers.get(`x-ratelimit-reset-${what}`), /s$/);
  }
  const raw = await ask(client, CAPITAL, { stream: true }).asResponse();
  assert.match(raw.headers.get('content-type'), /^text\/event-stream/);
  assert.match(await raw.text(), /data: \[DONE\]\n+$/);
});

feature('errors: 400', 'code and param', async () => {
  const error = await refused(OpenAI.BadRequestError, 400, ask(client, CAPITAL, { temperature: 3 }));
  assert.deepEqual(
    [error.type, error.param, error.code],
    ['invalid_request_error', 'temperature', 'decimal_above_max_value'],
  );
  assert.equal((await refused(OpenAI.BadRequestError, 400, ask(client, CAPITAL, { n: 0, stream: true }))).param, 'n');
  const long = await refused(
    OpenAI.BadRequestError,
    400,
    ask(client, 'word '.repeat(20_000), { model: 'gpt-3.5-turbo' }),
  );
  assert.equal(long.code, 'context_length_exceeded');
});

feature('errors: 401', 'unknown and expired keys', async () => {
  for (const apiKey of [gateway.UNKNOWN, gateway.EXPIRED]) {
    assert.equal((await refused(OpenAI.AuthenticationError, 401, ask(connect({ apiKey })))).code, 'invalid_api_key');
  }
});

feature('errors: 403', 'a key without the scope', async () => {
  const client = connect({ apiKey: gateway.NO_MODEL_SCOPES });
  await refused(OpenAI.PermissionDeniedError, 403, ask(client));
  await refused(OpenAI.PermissionDeniedError, 403, client.embeddings.create({ model: SMALL, input: 'hello' }));
});

feature('errors: 404', 'models and paths', async () => {
  assert.equal(
    (await refused(OpenAI.NotFoundError, 404, ask(client, CAPITAL, { model: 'no-such-model' }))).code,
    'model_not_found',
  );
  await refused(OpenAI.NotFoundError, 404, client.post('/nothing-here', { body: {} }));
});

feature('errors: 405', 'a wrong method', async () => {
  await refused(OpenAI.APIError, 405, client.get('/chat/completions'));
});

feature('errors: 429', 'the fourth request of a minute', async (context) => {
  const world = await gateway.world(context);
  const client = connect({ baseURL: `${world.url}/~openai/v1`, apiKey: world.keys.rate_limited });
  for (const left of ['2', '1', '0']) {
    const { response } = await ask(client, 'Hi').withResponse();
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), left);
  }
  const error = await refused(OpenAI.RateLimitError, 429, ask(client));
  assert.equal(error.code, 'rate_limit_exceeded');
  assert.ok(Number(error.headers.get('retry-after')) >= 1);
});

feature('errors: 5xx', 'broken and unavailable', async () => {
  for (const stream of [false, true]) {
    const error = await refused(
      OpenAI.InternalServerError,
      500,
      ask(client, CAPITAL, { stream }, fault('unmapped-error')),
    );
    assert.equal(error.type, 'server_error');
    assert.doesNotMatch(error.message, /provider\.internal/);
    await refused(OpenAI.InternalServerError, 503, ask(client, CAPITAL, { stream }, fault('unavailable')));
  }
});

feature('errors in a stream', 'after some text', async () => {
  const texts = [];
  const read = async () => {
    for await (const chunk of await ask(client, STORY, { stream: true }, fault('truncated-stream'))) {
      texts.push(chunk.choices[0].delta.content ?? '');
    }
  };
  await assert.rejects(read(), (error) => error instanceof OpenAI.APIError && error.type === 'server_error');
  const [text, whole] = [texts.join(''), textOf(await ask(client, STORY))];
  assert.ok(text && whole.startsWith(text) && whole !== text);
});

for (const [kind, members] of [
  ['unavailable', {}],
  ['rate-limited', { retry_after: 1 }],
]) {
  feature('retries', kind, async (context) => {
    const world = await gateway.world(context);
    const armed = await world.arm(kind, 2, members);
    const client = connect({ baseURL: `${world.url}/~openai/v1`, apiKey: world.keys.all_scopes, maxRetries: 2 });
    assert.equal(textOf(await ask(client)), CAPITAL_ANSWER);
    assert.equal(await world.struck(armed), 2);
  });
}

feature('retries', 'not enough of them, and none of a mistake', async (context) => {
  const world = await gateway.world(context);
  const client = connect({ baseURL: `${world.url}/~openai/v1`, apiKey: world.keys.all_scopes, maxRetries: 1 });
  const unavailable = await world.arm('unavailable', 2);
  await refused(OpenAI.InternalServerError, 503, ask(client));
  const rejected = await world.arm('rejected', 2);
  await refused(OpenAI.BadRequestError, 400, ask(client));
  assert.deepEqual([await world.struck(unavailable), await world.struck(rejected)], [2, 1]);
});

feature('timeouts', 'one that is too short', async () => {
  // Six million numbers take longer than two milliseconds.
  const input = Array.from({ length: 2_048 }, () => 'word');
  const large = client.embeddings.create({ model: 'text-embedding-3-large', input }, { timeout: 2 });
  await assert.rejects(large, OpenAI.APIConnectionTimeoutError);
  assert.equal(textOf(await ask(client, CAPITAL, {}, { timeout: 60_000 })), CAPITAL_ANSWER);
});

feature('cancelling', 'a request that the caller aborts', async () => {
  const controller = new AbortController();
  const answer = ask(client, STORY, {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(answer, OpenAI.APIUserAbortError);
  assert.equal(textOf(await ask(client)), CAPITAL_ANSWER);
});
