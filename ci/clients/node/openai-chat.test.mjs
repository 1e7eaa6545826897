// `openai`: chat completions, whole and streamed.

import assert from 'node:assert/strict';

import OpenAI from 'openai';
import { LengthFinishReasonError } from 'openai/error';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
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

const MODEL = 'gpt-4.1-mini';
const client = new OpenAI({ baseURL: `${gateway.URL}/v1`, apiKey: gateway.ALL_SCOPES });
const chats = client.chat.completions;

const Person = z.object({ name: z.string(), age: z.int() });
const Place = z.object({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']) });
const TOOL = { type: 'function', function: { name: 'get_weather', parameters: WEATHER_SCHEMA } };
const OTHER_TOOL = {
  type: 'function',
  function: { name: 'list_timezones', parameters: { type: 'object', properties: {} } },
};

const user = (content) => [{ role: 'user', content }];
const asked = (content, members = {}) => ({ model: MODEL, messages: user(content), ...members });
const ask = (content, members) => chats.create(asked(content, members));
const textOf = (answer) => answer.choices[0].message.content;
const joined = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
const argumentsOf = (message) => (message.tool_calls ?? []).map((call) => JSON.parse(call.function.arguments));
const feature = (name, what, run) => gateway.feature('openai', `chat: ${name}`, what, run);

feature('whole answers', 'all members', async () => {
  const answer = await ask(CAPITAL);
  assert.equal(answer.object, 'chat.completion');
  assert.match(answer.id, /^chatcmpl-/);
  assert.equal(answer.model, MODEL);
  const [choice, ...others] = answer.choices;
  assert.deepEqual([choice.index, choice.finish_reason, others.length], [0, 'stop', 0]);
  assert.deepEqual([choice.message.role, choice.message.content], ['assistant', CAPITAL_ANSWER]);
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = answer.usage;
  assert.ok(prompt > 0 && completion > 0);
  assert.equal(total, prompt + completion);
  assert.notEqual((await ask(CAPITAL)).id, answer.id);
});

feature('conversations', 'what was answered is sent back as it is', async () => {
  const messages = [
    { role: 'developer', content: "You end every sentence with 'meow'." },
    { role: 'user', content: [{ type: 'text', text: 'My name is Alex.' }] },
    { role: 'assistant', content: 'Hello!' },
    { role: 'user', content: 'What is my name?' },
  ];
  const answer = await ask(undefined, { messages });
  assert.equal(textOf(answer), 'Your name is Alex, meow.');
  messages.push(answer.choices[0].message, ...user(CAPITAL));
  assert.equal(textOf(await ask(undefined, { messages })), 'The capital of France is Paris, meow.');
});

feature('unicode', 'whole and streamed', async () => {
  assert.ok(textOf(await ask(ODD)).endsWith(`You said: "${ODD}".`));
  assert.ok(joined(await all(await ask(ODD, { stream: true }))).endsWith(`You said: "${ODD}".`));
});

feature('streams', 'chunks join to the whole answer', async () => {
  const whole = await ask(STORY);
  const chunks = await all(await ask(STORY, { stream: true, stream_options: { include_usage: true } }));
  assert.equal(new Set(chunks.map(({ id, created, model, object }) => `${id} ${created} ${model} ${object}`)).size, 1);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  const last = chunks.pop();
  assert.deepEqual([last.choices, last.usage], [[], whole.usage]);
  assert.ok(chunks.length > 20 && chunks.every((chunk) => chunk.usage == null));
  assert.equal(joined(chunks), textOf(whole));
  const reasons = chunks.map((chunk) => chunk.choices[0].finish_reason);
  assert.equal(reasons.pop(), 'stop');
  assert.ok(reasons.every((reason) => reason === null));
});

feature('streams', 'one that is left early', async () => {
  const stream = await ask(STORY, { stream: true });
  for await (const chunk of stream) {
    assert.equal(chunk.choices[0].delta.role, 'assistant');
    break;
  }
  assert.ok(stream.controller.signal.aborted);
  assert.equal(textOf(await ask(CAPITAL)), CAPITAL_ANSWER);
});

feature('streaming helper', 'events and the final completion', async () => {
  const deltas = [];
  const stream = chats.stream(asked(STORY, { stream_options: { include_usage: true } }));
  stream.on('content', (delta, snapshot) => deltas.push([delta, snapshot]));
  const final = await stream.finalChatCompletion();
  const whole = await ask(STORY);
  assert.equal(deltas.map(([delta]) => delta).join(''), textOf(whole));
  assert.equal(deltas.at(-1)[1], textOf(whole));
  assert.equal(textOf(final), await stream.finalContent());
  assert.deepEqual([final.choices[0].finish_reason, final.usage], ['stop', whole.usage]);
});

feature('structured output', 'zodResponseFormat', async () => {
  const answer = await chats.parse(asked(PERSON, { response_format: zodResponseFormat(Person, 'person') }));
  assert.deepEqual(answer.choices[0].message.parsed, ADA);
  const Team = z.object({ lead: Person, members: z.array(Person), motto: z.nullable(z.string()) });
  const team = await chats.parse(asked(PERSON, { response_format: zodResponseFormat(Team, 'team') }));
  assert.equal(team.choices[0].message.parsed.lead.name, 'Ada');
});

feature('structured output', 'one that is cut', async () => {
  const cut = asked(PERSON, { response_format: zodResponseFormat(Person, 'person'), max_tokens: 2 });
  await assert.rejects(chats.parse(cut), LengthFinishReasonError);
});

feature('structured output, streamed', 'zodResponseFormat', async () => {
  const stream = chats.stream(asked(PERSON, { response_format: zodResponseFormat(Person, 'person') }));
  const done = [];
  stream.on('content.done', ({ parsed }) => done.push(parsed));
  const final = await stream.finalChatCompletion();
  assert.deepEqual([done, final.choices[0].message.parsed], [[ADA], ADA]);
});

feature('JSON objects', 'response_format json_object', async () => {
  const answer = await ask(`In JSON: ${CAPITAL}`, { response_format: { type: 'json_object' } });
  assert.deepEqual(JSON.parse(textOf(answer)), { answer: CAPITAL_ANSWER });
});

feature('tools', 'a call and its result', async () => {
  const [choice] = (await ask(WEATHER, { tools: [TOOL] })).choices;
  assert.deepEqual([choice.finish_reason, choice.message.content], ['tool_calls', null]);
  const [call, ...others] = choice.message.tool_calls;
  assert.deepEqual([call.type, call.function.name, others.length], ['function', 'get_weather', 0]);
  assert.deepEqual(JSON.parse(call.function.arguments), IN_PARIS);
  const result = { role: 'tool', tool_call_id: call.id, content: '18 degrees and sunny' };
  const told = await ask(undefined, { messages: [...user(WEATHER), choice.message, result], tools: [TOOL] });
  assert.equal(textOf(told), 'The tool get_weather answered: 18 degrees and sunny.');
  assert.equal(textOf(await ask(CAPITAL, { tools: [TOOL] })), CAPITAL_ANSWER);
});

feature('parallel tool calls', 'two, and one at a time', async () => {
  const { message } = (await ask(WEATHER_TWICE, { tools: [TOOL] })).choices[0];
  assert.deepEqual(argumentsOf(message), [IN_PARIS, IN_LONDON]);
  assert.notEqual(message.tool_calls[0].id, message.tool_calls[1].id);
  const alone = await ask(WEATHER_TWICE, { tools: [TOOL], parallel_tool_calls: false });
  assert.deepEqual(argumentsOf(alone.choices[0].message), [IN_PARIS]);
});

for (const [content, choice, called] of [
  [WEATHER, 'auto', ['get_weather']],
  [WEATHER, 'none', []],
  ['Hello', 'auto', []],
  ['Hello', 'required', ['get_weather']],
  ['Hello', { type: 'function', function: { name: 'list_timezones' } }, ['list_timezones']],
]) {
  feature('tool choice', `${content} ${JSON.stringify(choice)}`, async () => {
    const answer = await ask(content, { tools: [TOOL, OTHER_TOOL], tool_choice: choice });
    const { message } = answer.choices[0];
    assert.deepEqual(
      (message.tool_calls ?? []).map((call) => call.function.name),
      called,
    );
    assert.equal(message.content === null, called.length > 0);
  });
}

feature('tool calls, streamed', 'arguments join to JSON', async () => {
  const chunks = await all(await ask(WEATHER_TWICE, { tools: [TOOL], stream: true }));
  const texts = [];
  const ids = [];
  for (const call of chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? [])) {
    texts[call.index] = (texts[call.index] ?? '') + (call.function.arguments ?? '');
    if (call.id === undefined) continue;
    assert.equal(ids[call.index], undefined);
    assert.deepEqual([call.type, call.function.name], ['function', 'get_weather']);
    ids[call.index] = call.id;
  }
  assert.deepEqual(
    texts.map((text) => JSON.parse(text)),
    [IN_PARIS, IN_LONDON],
  );
  assert.equal(new Set(ids).size, 2);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'tool_calls');
});

feature('tool calls with the streaming helper', 'zodFunction', async () => {
  const tool = zodFunction({ name: 'get_weather', parameters: Place });
  const stream = chats.stream(asked(WEATHER_TWICE, { tools: [tool] }));
  const done = [];
  const deltas = ['', ''];
  stream.on('tool_calls.function.arguments.delta', (event) => (deltas[event.index] += event.arguments_delta));
  stream.on('tool_calls.function.arguments.done', (event) =>
    done.push([event.index, event.name, event.parsed_arguments]),
  );
  const [final] = (await stream.finalChatCompletion()).choices;
  assert.deepEqual(done, [
    [0, 'get_weather', IN_PARIS],
    [1, 'get_weather', IN_LONDON],
  ]);
  assert.deepEqual(
    deltas.map((text) => JSON.parse(text)),
    [IN_PARIS, IN_LONDON],
  );
  assert.equal(final.finish_reason, 'tool_calls');
  assert.deepEqual(
    final.message.tool_calls.map((call) => call.function.parsed_arguments),
    [IN_PARIS, IN_LONDON],
  );
});

feature('parsed tool arguments', 'zodFunction', async () => {
  const tool = zodFunction({ name: 'get_weather', parameters: Place });
  const answer = await chats.parse(asked(WEATHER, { tools: [tool] }));
  assert.deepEqual(
    answer.choices[0].message.tool_calls.map((call) => call.function.parsed_arguments),
    [IN_PARIS],
  );
});

for (const stream of [false, true]) {
  feature('tool runner', stream ? 'streamed' : 'whole', async () => {
    const cities = [];
    const tell = ({ city }) => {
      cities.push(city);
      return `sun in ${city}`;
    };
    const tool = zodFunction({ name: 'get_weather', parameters: Place, function: tell });
    const runner = chats.runTools(asked(WEATHER_TWICE, { tools: [tool], stream }));
    const told = 'The tool get_weather answered: sun in Paris. The tool get_weather answered: sun in London.';
    assert.equal(await runner.finalContent(), told);
    assert.deepEqual(cities, ['Paris', 'London']);
    assert.deepEqual(
      runner.messages.map((message) => message.role),
      ['user', 'assistant', 'tool', 'tool', 'assistant'],
    );
  });
}

feature('log probabilities', 'whole and streamed', async () => {
  const [choice] = (await ask(CAPITAL, { logprobs: true, top_logprobs: 3 })).choices;
  const tokens = choice.logprobs.content;
  assert.equal(tokens.map((token) => token.token).join(''), choice.message.content);
  for (const token of tokens) {
    assert.ok(token.logprob <= 0);
    assert.equal(Buffer.from(token.bytes).toString(), token.token);
    assert.deepEqual([token.top_logprobs.length, token.top_logprobs[0].token], [3, token.token]);
  }
  const stream = chats.stream(asked(CAPITAL, { logprobs: true, top_logprobs: 3 }));
  assert.deepEqual((await stream.finalChatCompletion()).choices[0].logprobs.content, tokens);
});

feature('several answers', 'whole and streamed', async () => {
  const texts = [CAPITAL_ANSWER, `${CAPITAL_ANSWER} (choice 2)`, `${CAPITAL_ANSWER} (choice 3)`];
  const answer = await ask(CAPITAL, { n: 3 });
  assert.deepEqual(
    answer.choices.map((choice) => choice.message.content),
    texts,
  );
  const final = await chats.stream(asked(CAPITAL, { n: 3 })).finalChatCompletion();
  assert.deepEqual(
    final.choices.map((choice) => choice.message.content),
    texts,
  );
  assert.deepEqual(
    final.choices.map((choice) => [choice.index, choice.finish_reason]),
    [
      [0, 'stop'],
      [1, 'stop'],
      [2, 'stop'],
    ],
  );
});

feature('sampling parameters', 'the same seed, the same answer', async () => {
  const sampling = {
    seed: 7,
    temperature: 2,
    top_p: 0.5,
    presence_penalty: -2,
    frequency_penalty: 2,
    logit_bias: { 50256: -100 },
    user: 'alex',
    metadata: { suite: 'clients' },
    store: false,
    service_tier: 'auto',
  };
  const [first, second] = [await ask(STORY, sampling), await ask(STORY, sampling)];
  assert.ok(textOf(first));
  assert.equal(textOf(first), textOf(second));
  assert.match(first.system_fingerprint, /^fp_/);
  assert.equal(first.system_fingerprint, second.system_fingerprint);
});

for (const stop of ['gamma', ['nowhere', 'gamma']]) {
  feature('stop texts', JSON.stringify(stop), async () => {
    const [choice] = (await ask(GREEK, { stop })).choices;
    assert.equal(choice.finish_reason, 'stop');
    assert.match(choice.message.content, /alpha beta/);
    assert.doesNotMatch(choice.message.content, /gamma/);
    assert.equal(joined(await all(await ask(GREEK, { stop, stream: true }))), choice.message.content);
  });
}

for (const member of ['max_tokens', 'max_completion_tokens']) {
  feature('token limits', member, async () => {
    const answer = await ask(STORY, { [member]: 5 });
    assert.deepEqual([answer.choices[0].finish_reason, answer.usage.completion_tokens], ['length', 5]);
    assert.ok(textOf(answer) && textOf(await ask(STORY)).startsWith(textOf(answer)));
    const chunks = await all(await ask(STORY, { [member]: 5, stream: true }));
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
  });
}

feature('images', 'a data URI', async () => {
  const image = { url: gateway.dataUri('image/png', 'images/pixel.png'), detail: 'low' };
  const answer = await ask([
    { type: 'text', text: 'Describe this image' },
    { type: 'image_url', image_url: image },
  ]);
  assert.match(textOf(answer), /1x1 pixels, mostly red.*low detail/s);
});

feature('sounds', 'a WAV file', async () => {
  const sound = { data: gateway.silence(1_500).toString('base64'), format: 'wav' };
  const parts = [
    { type: 'text', text: 'Zebra' },
    { type: 'input_audio', input_audio: sound },
  ];
  const text = textOf(await ask(parts, { model: 'gpt-4o-audio-preview' }));
  assert.match(text, /I was given 1 sound: 1\.5 seconds\. You said: "Zebra"\.$/);
});

feature('files', 'a PDF', async () => {
  const file = { filename: 'minimal.pdf', file_data: gateway.dataUri('application/pdf', 'files/minimal.pdf') };
  const text = textOf(
    await ask([
      { type: 'text', text: 'Zebra' },
      { type: 'file', file },
    ]),
  );
  const length = gateway.fixture('files/minimal.pdf').length;
  assert.ok(text.includes(`I was given the file "minimal.pdf", 1 page, ${length} bytes long.`), text);
});

feature('reasoning tokens', 'a model that thinks', async () => {
  const answer = await ask(CAPITAL, { model: 'o4-mini', reasoning_effort: 'low' });
  const reasoning = answer.usage.completion_tokens_details.reasoning_tokens;
  assert.ok(reasoning > 0 && reasoning < answer.usage.completion_tokens);
  assert.equal(textOf(answer), CAPITAL_ANSWER);
});
