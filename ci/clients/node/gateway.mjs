// The gateway that the clients talk to: its addresses, its keys, its control API, and things to show to its models.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';

export const URL = process.env.PLUMBLINE_URL;
const FIXTURES = process.env.PLUMBLINE_FIXTURES;
const CONTROL_TOKEN = process.env.PLUMBLINE_CONTROL_TOKEN;

export const ALL_SCOPES = 'sk-plumbline-all-scopes';
export const NO_MODEL_SCOPES = 'sk-plumbline-no-model-scopes';
export const EXPIRED = 'sk-plumbline-expired';
export const UNKNOWN = 'sk-plumbline-nobody-knows-it';

export const WEATHER = 'What is the weather in Paris?';
export const WEATHER_TWICE = 'What is the weather in Paris and in London?';
export const IN_PARIS = { city: 'Paris', unit: 'celsius' };
export const IN_LONDON = { city: 'London', unit: 'celsius' };
export const CAPITAL = 'What is the capital of France?';
export const CAPITAL_ANSWER = 'The capital of France is Paris.';
export const STORY = 'Please tell me a long story';
// The name and the age are in it for an answer that has to have a form.
export const PERSON = 'Please describe Ada, who is 36, as JSON.';
export const ADA = { name: 'Ada', age: 36 };
export const GREEK = 'Repeat exactly: alpha beta gamma delta';
export const ODD = 'Zebra 🦓 «ñandú» 日本語 e\u0301 \u{1f469}\u200d\u{1f680}';

export const WEATHER_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
  required: ['city', 'unit'],
  additionalProperties: false,
};

/** A test of a feature of a client; the reporter reads both from the name. */
export function feature(wire, name, what, run) {
  test(`${wire} | ${name} | ${what}`, run);
}

/** The options of one request that make the provider behind the gateway fail at it. */
export function fault(kind) {
  return { headers: { 'x-plumbline-fault': kind } };
}

export function fixture(name) {
  return readFileSync(join(FIXTURES, name));
}

export function dataUri(mediaType, name) {
  return `data:${mediaType};base64,${fixture(name).toString('base64')}`;
}

/** A WAV file of silence, in 8 bits and 8,000 samples a second. */
export function silence(milliseconds) {
  const samples = milliseconds * 8;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples, 40);
  return Buffer.concat([head, Buffer.alloc(samples, 0x80)]);
}

/** A PNG of 4,096 by 4,096 pixels, which takes a model far longer to look at than a few milliseconds. */
export function largeImage() {
  const side = 4_096;
  const row = Buffer.alloc(1 + 3 * side, 0x80);
  row[0] = 0;
  const rows = Buffer.alloc(row.length * side, row);
  const head = Buffer.from([0, 0, 16, 0, 0, 0, 16, 0, 8, 2, 0, 0, 0]);
  const chunk = (name, data) => {
    const named = Buffer.concat([Buffer.from(name), data]);
    const framed = Buffer.alloc(named.length + 8);
    framed.writeUInt32BE(data.length, 0);
    named.copy(framed, 4);
    framed.writeUInt32BE(crc32(named), named.length + 4);
    return framed;
  };
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const pixels = deflateSync(rows, { level: 1 });
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

// Node's own is not in every version 20.
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A world that no other test changes, with the same roles and other secrets; it ends with the test. */
export async function world(context) {
  const made = await control('POST', '/~control/worlds');
  const own = `/~control/worlds/${made.id}`;
  context.after(() => control('DELETE', own));
  return {
    url: URL + made.base_path,
    keys: Object.fromEntries(made.keys.map(({ role, secret }) => [role, secret])),
    /** Makes the provider of this world fail so often. */
    arm: async (kind, times, members = {}) => (await control('POST', `${own}/faults`, { kind, times, ...members })).id,
    /** How often a fault has struck. */
    struck: async (id) => (await control('GET', `${own}/faults`)).faults.find((fault) => fault.id === id).struck,
  };
}

async function control(method, path, body) {
  const response = await fetch(URL + path, {
    method,
    headers: { authorization: `Bearer ${CONTROL_TOKEN}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** Everything that comes. */
export async function all(iterable) {
  const found = [];
  for await (const item of iterable) found.push(item);
  return found;
}
