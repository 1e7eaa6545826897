// `openai`: the Responses API.

import assert from 'node:assert/strict';

import OpenAI from 'openai';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import * as gateway from './gateway.mjs';
import {
  ADA,
  CAPITAL,
  CAPITAL_ANSWER,
  IN_LONDON,
  IN_PARIS,
  PERSON,
  STORY,
  WEATHER,
  WEATHER_SCHEMA,
  WEATHER_TWICE,
  all,
} from './gateway.mjs';

const MODEL = 'gpt-4.1-mini';
const client = new OpenAI({ baseURL: `${gateway.URL}/v1`, apiKey: gateway.ALL_SCOPES });
const responses = client.responses;

const Person = z.object({ name: z.string(), age: z.int() });
const Place = z.object({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']) });
const TOOL = { type: 'function', name: 'get_weather', strict: true, parameters: WEATHER_SCHEMA };

const asked = (input, members = {}) => ({ model: MODEL, input, ...members });
const ask = (input, members) => responses.create(asked(input, members));
const feature = (name, what, run) => gateway.feature('openai', `responses: ${name}`, what, run);

feature('whole answers', 'all members', async () => {
  const answer = await ask(CAPITAL, {
    instructions: "You end every sentence with 'meow'.",
    metadata: { suite: 'clients' },
  });
  assert.match(answer.id, /^resp_/);
  assert.deepEqual([answer.object, answer.status, answer.model], ['response', 'completed', MODEL]);
  assert.equal(answer.output_text, 'The capital of France is Paris, meow.');
  assert.deepEqual(
    answer.output.map(({ type, role, status }) => [type, role, status]),
    [['message', 'assistant', 'completed']],
  );
  assert.deepEqual([answer.error, answer.incomplete_details, answer.metadata], [null, null, { suite: 'clients' }]);
  const { input_tokens: input, output_tokens: output, total_tokens: total } = answer.usage;
  assert.ok(input > 0 && output > 0);
  assert.equal(total, input + output);
  assert.deepEqual(
    [answer.usage.input_tokens_details.cached_tokens, answer.usage.output_tokens_details.reasoning_tokens],
    [0, 0],
  );
});

feature('token limits', 'whole and streamed', async () => {
  const answer = await ask(STORY, { max_output_tokens: 16 });
  assert.deepEqual([answer.status, answer.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
  assert.equal(answer.usage.output_tokens, 16);
  const events = await all(await ask(STORY, { max_output_tokens: 16, stream: true }));
  assert.deepEqual([events.at(-1).type, events.at(-1).response.status], ['response.incomplete', 'incomplete']);
});

feature('events', 'their order and what they say', async () => {
  const events = await all(await ask(CAPITAL, { stream: true }));
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    [...events.keys()],
  );
  const types = events.map((event) => event.type);
  const deltas = types.filter((type) => type === 'response.output_text.delta');
  assert.ok(deltas.length > 3);
  assert.deepEqual(types, [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    ...deltas,
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const done = events.find((event) => event.type === 'response.output_text.done');
  const texts = events.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta);
  assert.deepEqual([texts.join(''), done.text], [CAPITAL_ANSWER, CAPITAL_ANSWER]);
  const [first, last] = [events[0].response, events.at(-1).response];
  assert.deepEqual([first.id, first.status, first.output, last.status], [last.id, 'in_progress', [], 'completed']);
  assert.equal(last.output[0].id, done.item_id);
  assert.deepEqual(last.usage, (await ask(CAPITAL)).usage);
});

feature('streaming helper', 'events and the final response', async () => {
  const stream = responses.stream(asked(STORY));
  const deltas = [];
  stream.on('response.output_text.delta', (event) => deltas.push(event));
  const final = await stream.finalResponse();
  const whole = await ask(STORY);
  assert.equal(deltas.map((event) => event.delta).join(''), whole.output_text);
  assert.equal(deltas.at(-1).snapshot, whole.output_text);
  assert.deepEqual([final.output_text, final.status], [whole.output_text, 'completed']);
});

feature('structured output', 'zodTextFormat', async () => {
  const text = { format: zodTextFormat(Person, 'person') };
  assert.deepEqual((await responses.parse(asked(PERSON, { text }))).output_parsed, ADA);
  assert.deepEqual((await responses.stream(asked(PERSON, { text })).finalResponse()).output_parsed, ADA);
  const object = await ask(`In JSON: ${CAPITAL}`, { text: { format: { type: 'json_object' } } });
  assert.deepEqual(JSON.parse(object.output_text), { answer: CAPITAL_ANSWER });
});

feature('tools', 'calls and their results', async () => {
  const question = [{ role: 'user', content: WEATHER_TWICE }];
  const answer = await ask(question, { tools: [TOOL] });
  const calls = answer.output.filter((item) => item.type === 'function_call');
  assert.deepEqual(
    calls.map((call) => JSON.parse(call.arguments)),
    [IN_PARIS, IN_LONDON],
  );
  assert.equal(new Set(calls.map((call) => call.call_id)).size, 2);
  const results = calls.map((call, index) => ({
    type: 'function_call_output',
    call_id: call.call_id,
    output: ['sun', 'rain'][index],
  }));
  const told = 'The tool get_weather answered: sun. The tool get_weather answered: rain.';
  assert.equal((await ask([...question, ...answer.output, ...results], { tools: [TOOL] })).output_text, told);
  assert.equal((await ask(results, { tools: [TOOL], previous_response_id: answer.id })).output_text, told);
});

feature('tools', 'zodResponsesFunction', async () => {
  const tool = zodResponsesFunction({ name: 'get_weather', parameters: Place });
  const answer = await responses.parse(asked(WEATHER, { tools: [tool], tool_choice: 'required' }));
  assert.deepEqual(
    answer.output.map((item) => item.parsed_arguments),
    [IN_PARIS],
  );
});

feature('tool calls, streamed', 'arguments join to JSON', async () => {
  const stream = responses.stream(
    asked(WEATHER, { tools: [TOOL], tool_choice: { type: 'function', name: 'get_weather' } }),
  );
  const deltas = [];
  stream.on('response.function_call_arguments.delta', (event) => deltas.push(event));
  const [call] = (await stream.finalResponse()).output;
  assert.equal(deltas.map((event) => event.delta).join(''), call.arguments);
  assert.equal(deltas.at(-1).snapshot, call.arguments);
  assert.deepEqual(JSON.parse(call.arguments), IN_PARIS);
});

feature('reasoning', 'an item and tokens', async () => {
  const answer = await ask(CAPITAL, { model: 'o4-mini', reasoning: { effort: 'low' } });
  assert.deepEqual(
    answer.output.map((item) => item.type),
    ['reasoning', 'message'],
  );
  const reasoning = answer.usage.output_tokens_details.reasoning_tokens;
  assert.ok(reasoning > 0 && reasoning < answer.usage.output_tokens);
});

feature('images and files', 'as data URIs', async () => {
  const shown = async (text, part) => {
    const content = [{ type: 'input_text', text }, part];
    return (await ask([{ role: 'user', content }])).output_text;
  };
  const image_url = gateway.dataUri('image/png', 'images/pixel.png');
  assert.match(await shown('Describe this image', { type: 'input_image', image_url, detail: 'low' }), /mostly red/);
  const file_data = gateway.dataUri('application/pdf', 'files/minimal.pdf');
  assert.match(
    await shown('Zebra', { type: 'input_file', filename: 'minimal.pdf', file_data }),
    /the file "minimal.pdf", 1 page/,
  );
});

feature('kept and continued', 'retrieved, continued and deleted', async () => {
  const first = await ask('My name is Alex.');
  const second = await ask('What is my name?', { previous_response_id: first.id });
  assert.deepEqual([second.output_text, second.previous_response_id], ['Your name is Alex.', first.id]);
  const found = await responses.retrieve(second.id);
  assert.deepEqual([found.id, found.output, found.usage], [second.id, second.output, second.usage]);
  await responses.delete(second.id);
  await assert.rejects(responses.retrieve(second.id), OpenAI.NotFoundError);
  await assert.rejects(ask('Hello', { previous_response_id: second.id }), {
    param: 'previous_response_id',
    status: 400,
  });
  const passing = await ask(CAPITAL, { store: false });
  await assert.rejects(responses.retrieve(passing.id), OpenAI.NotFoundError);
});

feature('input items', 'page by page', async () => {
  const texts = ['One', 'Two', 'Three'];
  const answer = await ask(texts.map((content) => ({ role: 'user', content })));
  const items = await all(responses.inputItems.list(answer.id, { limit: 1, order: 'asc' }));
  assert.deepEqual(
    items.map((item) => item.content[0].text),
    texts,
  );
});
