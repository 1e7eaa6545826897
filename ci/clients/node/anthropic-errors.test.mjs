// `@anthropic-ai/sdk`: typed errors, retries and timeouts.

import assert from 'node:assert/strict';

import Anthropic, {
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  OverloadedError,
  PermissionDeniedError,
  RateLimitError,
} from '@anthropic-ai/sdk';

import * as gateway from './gateway.mjs';
import { CAPITAL, CAPITAL_ANSWER, STORY, fault } from './gateway.mjs';

function connect(options = {}) {
  return new Anthropic({ baseURL: gateway.URL, apiKey: gateway.ALL_SCOPES, maxRetries: 0, ...options });
}

const client = connect();
const asked = (content, members = {}) => ({
  model: 'claude-haiku-4-5',
  max_tokens: 1_024,
  messages: [{ role: 'user', content }],
  ...members,
});
const ask = (client, content = CAPITAL, members = {}, options = {}) =>
  client.messages.create(asked(content, members), options);
const textOf = (message) => message.content.map((block) => block.text).join('');
const feature = (name, what, run) => gateway.feature('anthropic', name, what, run);

/** The error that something ends in, which must be exactly of this kind. */
async function refused(kind, status, name, promise) {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (error) => error,
  );
  assert.equal(error.constructor, kind, String(error));
  assert.equal(error.status, status);
  assert.deepEqual([error.error.type, error.error.error.type], ['error', name]);
  assert.deepEqual([error.requestID, error.error.request_id], [error.headers.get('request-id'), error.requestID]);
  assert.ok(error.requestID && error.error.error.message);
  return error;
}

feature('errors: 400', 'what is wrong is named', async () => {
  for (const [members, member] of [
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ messages: [] }, 'messages'],
    [{ stream: true, messages: [] }, 'messages'],
    [{ plumbline: 1 }, 'plumbline'],
  ]) {
    const error = await refused(BadRequestError, 400, 'invalid_request_error', ask(client, CAPITAL, members));
    assert.ok(error.error.error.message.includes(member), error.message);
  }
});

feature('errors: 401', 'unknown and expired keys', async () => {
  for (const apiKey of [gateway.UNKNOWN, gateway.EXPIRED]) {
    await refused(AuthenticationError, 401, 'authentication_error', ask(connect({ apiKey })));
  }
});

feature('errors: 403', 'a key without the scope', async () => {
  await refused(PermissionDeniedError, 403, 'permission_error', ask(connect({ apiKey: gateway.NO_MODEL_SCOPES })));
});

feature('errors: 404', 'models and paths', async () => {
  const error = await refused(NotFoundError, 404, 'not_found_error', ask(client, CAPITAL, { model: 'no-such-model' }));
  assert.match(error.error.error.message, /no-such-model/);
  const nowhere = connect({ baseURL: `${gateway.URL}/~anthropic` });
  await refused(NotFoundError, 404, 'not_found_error', nowhere.post('/v1/nothing-here', { body: {} }));
});

feature('errors: 429', 'the fourth request of a minute', async (context) => {
  const world = await gateway.world(context);
  const client = connect({ baseURL: `${world.url}/~anthropic`, apiKey: world.keys.rate_limited });
  for (const left of ['2', '1', '0']) {
    const { response } = await ask(client, 'Hi').withResponse();
    assert.equal(response.headers.get('anthropic-ratelimit-requests-remaining'), left);
  }
  const error = await refused(RateLimitError, 429, 'rate_limit_error', ask(client));
  assert.ok(Number(error.headers.get('retry-after')) >= 1);
});

feature('errors: 5xx', 'nothing of the inside is told', async () => {
  for (const stream of [false, true]) {
    const error = await refused(
      InternalServerError,
      500,
      'api_error',
      ask(client, CAPITAL, { stream }, fault('unmapped-error')),
    );
    assert.doesNotMatch(error.message, /provider\.internal/);
  }
});

feature('errors: overloaded', 'status 529', async () => {
  for (const stream of [false, true]) {
    const error = await refused(
      OverloadedError,
      529,
      'overloaded_error',
      ask(client, CAPITAL, { stream }, fault('unavailable')),
    );
    assert.ok(error instanceof InternalServerError);
  }
});

feature('errors in a stream', 'after some text', async () => {
  const texts = [];
  const stream = client.messages.stream(asked(STORY), fault('truncated-stream'));
  stream.on('text', (text) => texts.push(text));
  await assert.rejects(
    stream.finalMessage(),
    (error) => error instanceof APIError && error.error.error.type === 'api_error',
  );
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
    const client = connect({ baseURL: `${world.url}/~anthropic`, apiKey: world.keys.all_scopes, maxRetries: 2 });
    assert.equal(textOf(await ask(client)), CAPITAL_ANSWER);
    assert.equal(await world.struck(armed), 2);
  });
}

feature('retries', 'not enough of them, and none of a mistake', async (context) => {
  const world = await gateway.world(context);
  const client = connect({ baseURL: `${world.url}/~anthropic`, apiKey: world.keys.all_scopes, maxRetries: 1 });
  const unavailable = await world.arm('unavailable', 2);
  await refused(OverloadedError, 529, 'overloaded_error', ask(client));
  const rejected = await world.arm('rejected', 2);
  await refused(BadRequestError, 400, 'invalid_request_error', ask(client));
  assert.deepEqual([await world.struck(unavailable), await world.struck(rejected)], [2, 1]);
});

feature('timeouts', 'one that is too short', async () => {
  const source = { type: 'base64', media_type: 'image/png', data: gateway.largeImage().toString('base64') };
  const image = { type: 'image', source };
  await assert.rejects(ask(client, [image], {}, { timeout: 2 }), APIConnectionTimeoutError);
  assert.equal(textOf(await ask(client, CAPITAL, {}, { timeout: 60_000 })), CAPITAL_ANSWER);
});

feature('cancelling', 'a request that the caller aborts', async () => {
  const controller = new AbortController();
  const answer = ask(client, STORY, {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(answer, APIUserAbortError);
  assert.equal(textOf(await ask(client)), CAPITAL_ANSWER);
});
