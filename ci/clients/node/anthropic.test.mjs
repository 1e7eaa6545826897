// `@anthropic-ai/sdk`: messages, whole and streamed.

import assert from 'node:assert/strict';

import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';

import * as gateway from './gateway.mjs';
import {
  ADA,
  CAPITAL,
  CAPITAL_ANSWER,
  GREEK,
  IN_LONDON,
  IN_PARIS,
  ODD,
  PERSON,
  STORY,
  WEATHER,
  WEATHER_SCHEMA,
  WEATHER_TWICE,
  all,
} from './gateway.mjs';

const MODEL = 'claude-haiku-4-5';
const client = new Anthropic({ baseURL: gateway.URL, apiKey: gateway.ALL_SCOPES });

const Person = z.object({ name: z.string(), age: z.int() });
const TOOL = { name: 'get_weather', description: 'Tells the weather of a city', input_schema: WEATHER_SCHEMA };
const OTHER_TOOL = { name: 'list_timezones', input_schema: { type: 'object', properties: {} } };

const user = (content) => [{ role: 'user', content }];
const asked = (content, members = {}) => ({ model: MODEL, max_tokens: 1_024, messages: user(content), ...members });
const ask = (content, members) => client.messages.create(asked(content, members));
const textOf = (message) =>
  message.content
    .filter((block) => block.type === 'text')
    .map((block) => block.text)
    .join('');
const callsOf = (message) => message.content.filter((block) => block.type === 'tool_use');
const feature = (name, what, run) => gateway.feature('anthropic', name, what, run);

feature('messages: whole answers', 'all members', async () => {
  const answer = await ask(CAPITAL);
  assert.match(answer.id, /^msg_/);
  assert.deepEqual([answer.type, answer.role, answer.model], ['message', 'assistant', MODEL]);
  assert.deepEqual(
    answer.content.map(({ type, text }) => [type, text]),
    [['text', CAPITAL_ANSWER]],
  );
  assert.deepEqual([answer.stop_reason, answer.stop_sequence], ['end_turn', null]);
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
  assert.deepEqual([answer.usage.cache_creation_input_tokens, answer.usage.cache_read_input_tokens], [0, 0]);
});

feature('messages: conversations', 'what was answered is sent back as it is', async () => {
  const answer = await ask('My name is Alex.', { metadata: { user_id: 'alex' }, service_tier: 'auto' });
  const turns = [
    ...user('My name is Alex.'),
    { role: 'assistant', content: answer.content },
    ...user('What is my name?'),
  ];
  const meow = "You end every sentence with 'meow'.";
  for (const system of [meow, [{ type: 'text', text: meow }]]) {
    assert.equal(textOf(await ask(undefined, { messages: turns, system })), 'Your name is Alex, meow.');
  }
});

feature('messages: unicode', 'whole and streamed', async () => {
  assert.ok(textOf(await ask(ODD)).endsWith(`You said: "${ODD}".`));
  assert.ok((await client.messages.stream(asked(ODD)).finalText()).endsWith(`You said: "${ODD}".`));
});

feature('messages: token limits', 'max_tokens', async () => {
  const answer = await ask(STORY, { max_tokens: 5 });
  assert.deepEqual([answer.stop_reason, answer.usage.output_tokens], ['max_tokens', 5]);
  assert.ok(textOf(answer) && textOf(await ask(STORY)).startsWith(textOf(answer)));
});

feature('messages: stop sequences', 'the one that was met', async () => {
  const answer = await ask(GREEK, { stop_sequences: ['nowhere', 'gamma'] });
  assert.deepEqual([answer.stop_reason, answer.stop_sequence], ['stop_sequence', 'gamma']);
  assert.match(textOf(answer), /alpha beta/);
  assert.doesNotMatch(textOf(answer), /gamma/);
});

feature('messages: images', 'base64', async () => {
  const source = {
    type: 'base64',
    media_type: 'image/png',
    data: gateway.fixture('images/pixel.png').toString('base64'),
  };
  const answer = await ask([
    { type: 'image', source },
    { type: 'text', text: 'Describe this image' },
  ]);
  assert.match(textOf(answer), /1x1 pixels, mostly red/);
});

feature('messages: documents', 'a PDF and a text', async () => {
  const data = gateway.fixture('files/minimal.pdf').toString('base64');
  const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } };
  assert.match(textOf(await ask([pdf, { type: 'text', text: 'Zebra' }])), /1 page.*Zebra/s);
  const plain = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Giraffe' } };
  assert.match(textOf(await ask([plain, { type: 'text', text: 'Zebra' }])), /Giraffe/);
});

feature('messages: tools', 'a call and its result', async () => {
  const answer = await ask(WEATHER, { tools: [TOOL] });
  const [call, ...others] = callsOf(answer);
  assert.deepEqual(
    [answer.stop_reason, call.name, call.input, others.length],
    ['tool_use', 'get_weather', IN_PARIS, 0],
  );
  const result = { type: 'tool_result', tool_use_id: call.id, content: '18 degrees' };
  const messages = [...user(WEATHER), { role: 'assistant', content: answer.content }, ...user([result])];
  assert.equal(textOf(await ask(undefined, { messages, tools: [TOOL] })), 'The tool get_weather answered: 18 degrees.');
});

feature('messages: parallel tool calls', 'two, and one at a time', async () => {
  const calls = callsOf(await ask(WEATHER_TWICE, { tools: [TOOL] }));
  assert.deepEqual(
    calls.map((call) => call.input),
    [IN_PARIS, IN_LONDON],
  );
  assert.notEqual(calls[0].id, calls[1].id);
  const alone = await ask(WEATHER_TWICE, {
    tools: [TOOL],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
  });
  assert.deepEqual(
    callsOf(alone).map((call) => call.input),
    [IN_PARIS],
  );
});

for (const [content, choice, called] of [
  [WEATHER, { type: 'auto' }, ['get_weather']],
  [WEATHER, { type: 'none' }, []],
  ['Hello', { type: 'auto' }, []],
  ['Hello', { type: 'any' }, ['get_weather']],
  ['Hello', { type: 'tool', name: 'list_timezones' }, ['list_timezones']],
]) {
  feature('messages: tool choice', `${content} ${JSON.stringify(choice)}`, async () => {
    const answer = await ask(content, { tools: [TOOL, OTHER_TOOL], tool_choice: choice });
    assert.deepEqual(
      callsOf(answer).map((call) => call.name),
      called,
    );
    assert.equal(answer.stop_reason === 'tool_use', called.length > 0);
  });
}

for (const stream of [false, true]) {
  feature('messages: tool runner', stream ? 'streamed' : 'whole', async () => {
    const cities = [];
    const tell = ({ city }) => {
      cities.push(city);
      return `sun in ${city}`;
    };
    const inputSchema = z.object({ city: z.string() });
    const tool = betaZodTool({
      name: 'get_weather',
      description: 'Tells the weather of a city',
      inputSchema,
      run: tell,
    });
    // The wire has no threads here: each turn sends the whole conversation.
    const runner = client.beta.messages.toolRunner(asked(WEATHER_TWICE, { tools: [tool], stream, thread: false }));
    const told = 'The tool get_weather answered: sun in Paris. The tool get_weather answered: sun in London.';
    assert.equal(textOf(await runner.runUntilDone()), told);
    assert.deepEqual(cities, ['Paris', 'London']);
  });
}

feature('messages: structured output', 'zodOutputFormat', async () => {
  const answer = await client.messages.parse(asked(PERSON, { output_config: { format: zodOutputFormat(Person) } }));
  assert.deepEqual(answer.parsed_output, ADA);
  const stream = client.messages.stream(asked(PERSON, { output_config: { format: zodOutputFormat(Person) } }));
  assert.deepEqual((await stream.finalMessage()).parsed_output, ADA);
});

const THINKING = { thinking: { type: 'enabled', budget_tokens: 1_024 }, max_tokens: 2_048 };

feature('messages: thinking', 'a block before the text', async () => {
  const answer = await ask(CAPITAL, THINKING);
  const [thought, text] = answer.content;
  assert.deepEqual([thought.type, text.text], ['thinking', CAPITAL_ANSWER]);
  assert.ok(thought.thinking.includes(CAPITAL) && thought.signature);
  const turns = [
    ...user('My name is Alex.'),
    { role: 'assistant', content: answer.content },
    ...user('What is my name?'),
  ];
  assert.equal(textOf(await ask(undefined, { messages: turns, ...THINKING })), 'Your name is Alex.');
});

feature('messages: prompt caching', 'written, then read', async (context) => {
  const world = await gateway.world(context);
  const client = new Anthropic({ baseURL: `${world.url}/~anthropic`, apiKey: world.keys.all_scopes });
  const system = [{ type: 'text', text: 'Be kind. '.repeat(2_000), cache_control: { type: 'ephemeral' } }];
  const { usage: first } = await client.messages.create(asked('Say one', { system }));
  const { usage: second } = await client.messages.create(asked('Say two', { system }));
  assert.ok(first.cache_creation_input_tokens > 1_024);
  assert.equal(first.cache_read_input_tokens, 0);
  assert.deepEqual(
    [second.cache_read_input_tokens, second.cache_creation_input_tokens],
    [first.cache_creation_input_tokens, 0],
  );
});

feature('messages: token counts', 'the same as in usage', async () => {
  const everything = { model: MODEL, messages: user(WEATHER), system: 'Be kind.', tools: [TOOL] };
  const { input_tokens: counted } = await client.messages.countTokens(everything);
  assert.equal(counted, (await ask(WEATHER, { system: 'Be kind.', tools: [TOOL] })).usage.input_tokens);
  assert.ok(counted > (await client.messages.countTokens({ model: MODEL, messages: user(WEATHER) })).input_tokens);
});

feature('messages: events', 'their order and what they say', async () => {
  const events = await all(await ask(CAPITAL, { stream: true }));
  const deltas = events.filter((event) => event.type === 'content_block_delta');
  assert.ok(deltas.length > 3);
  assert.deepEqual(
    events.map((event) => event.type),
    [
      'message_start',
      'content_block_start',
      ...deltas.map((event) => event.type),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ],
  );
  assert.equal(deltas.map((event) => event.delta.text).join(''), CAPITAL_ANSWER);
  const [{ message: start }, end, whole] = [events[0], events.at(-2), await ask(CAPITAL)];
  assert.deepEqual([start.model, start.content, start.stop_reason], [MODEL, [], null]);
  assert.deepEqual([end.delta.stop_reason, end.delta.stop_sequence], ['end_turn', null]);
  assert.deepEqual(
    [start.usage.input_tokens, end.usage.output_tokens],
    [whole.usage.input_tokens, whole.usage.output_tokens],
  );
});

feature('messages: streaming helper', 'text and the final message', async () => {
  const texts = [];
  const stream = client.messages.stream(asked(STORY)).on('text', (text, snapshot) => texts.push([text, snapshot]));
  const final = await stream.finalMessage();
  const whole = await ask(STORY);
  assert.ok(texts.length > 20);
  assert.deepEqual([texts.map(([text]) => text).join(''), texts.at(-1)[1]], [textOf(whole), textOf(whole)]);
  assert.deepEqual([textOf(final), final.stop_reason], [textOf(whole), 'end_turn']);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
});

for (const [content, members, reason, sequence] of [
  [STORY, { max_tokens: 5 }, 'max_tokens', null],
  [GREEK, { stop_sequences: ['gamma'] }, 'stop_sequence', 'gamma'],
]) {
  feature('messages: streaming helper', `a stream that ends with ${reason}`, async () => {
    const final = await client.messages.stream(asked(content, members)).finalMessage();
    assert.deepEqual([final.stop_reason, final.stop_sequence], [reason, sequence]);
    assert.equal(textOf(final), textOf(await ask(content, members)));
  });
}

feature('messages: tool calls, streamed', 'inputs join to JSON', async () => {
  const snapshots = [];
  const stream = client.messages.stream(asked(WEATHER_TWICE, { tools: [TOOL] }));
  stream.on('inputJson', (_, snapshot) => snapshots.push(snapshot));
  const final = await stream.finalMessage();
  assert.equal(final.stop_reason, 'tool_use');
  assert.deepEqual(
    callsOf(final).map((call) => call.input),
    [IN_PARIS, IN_LONDON],
  );
  assert.deepEqual(snapshots.at(-1), IN_LONDON);
});

feature('messages: thinking, streamed', 'thoughts, their signature, then the text', async () => {
  const [thoughts, signatures] = [[], []];
  const stream = client.messages.stream(asked(CAPITAL, THINKING));
  stream.on('thinking', (thought) => thoughts.push(thought)).on('signature', (signature) => signatures.push(signature));
  const [thought, text] = (await stream.finalMessage()).content;
  assert.equal(thoughts.join(''), thought.thinking);
  assert.ok(thought.thinking.includes(CAPITAL) && thought.signature);
  assert.deepEqual([signatures, text.text], [[thought.signature], CAPITAL_ANSWER]);
});

feature('models', 'listed page by page, and retrieved', async () => {
  const models = await all(client.models.list({ limit: 1 }));
  const ids = models.map((model) => model.id);
  assert.ok(['claude-sonnet-4-5', MODEL].every((id) => ids.includes(id)));
  assert.equal(new Set(ids).size, ids.length);
  for (const model of models) {
    assert.equal(model.type, 'model');
    assert.match(model.lifecycle, /^(active|deprecated)$/);
    assert.ok(model.display_name && !Number.isNaN(Date.parse(model.created_at)));
    const { id, display_name } = await client.models.retrieve(model.id);
    assert.deepEqual([id, display_name], [model.id, model.display_name]);
  }
});

feature('raw responses and headers', 'withResponse', async () => {
  const { data, response, request_id } = await ask(CAPITAL).withResponse();
  assert.equal(textOf(data), CAPITAL_ANSWER);
  assert.match(request_id, /^req_/);
  assert.deepEqual([data._request_id, response.headers.get('request-id')], [request_id, request_id]);
  for (const what of ['requests', 'tokens']) {
    const [limit, remaining] = ['limit', 'remaining'].map((name) =>
      Number(response.headers.get(`anthropic-ratelimit-${what}-${name}`)),
    );
    assert.ok(remaining >= 0 && remaining <= limit && limit > 0);
  }
});
