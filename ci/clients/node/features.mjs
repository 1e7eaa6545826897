// A reporter for Node's test runner: which features of which client work, as JSON.

import { readFileSync } from 'node:fs';

const PACKAGES = { openai: 'openai', anthropic: '@anthropic-ai/sdk' };

export default async function* features(source) {
  const found = new Map();
  let strays = 0;
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const [wire, feature, what] = data.name.split(' | ');
    if (!what) {
      // A file that broke before its tests could run is no feature, and its features are missing.
      if (type === 'test:fail') strays += 1;
      continue;
    }
    const key = `${wire} | ${feature}`;
    const works = type === 'test:pass' && (found.get(key)?.works ?? true);
    const client = PACKAGES[wire];
    found.set(key, { server: 'serve', wire, client, version: version(wire), language: 'Node', feature, works });
  }
  if (strays > 0) process.stderr.write(`${strays} failures outside of the features\n`);
  yield `${JSON.stringify([...found.values()], undefined, 2)}\n`;
}

function version(wire) {
  const about = new URL(`./node_modules/${PACKAGES[wire]}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(about, 'utf8')).version;
}
