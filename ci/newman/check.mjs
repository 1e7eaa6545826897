// Reads newman's report: every request must have been answered and every assertion must hold, none of them in a branch for a
// gateway that does not have what is asked about. Prints the figures as Markdown.
//
//     node check.mjs REPORT REQUESTS
import { readFileSync } from 'node:fs';
import process from 'node:process';

// What the collection asserts where a gateway lacks something, or a job has failed.
const LACKING = [
  'Async not configured (404)',
  'Skip - async not configured',
  'Teardown skipped - no VK to delete',
  'Job failed (acceptable)',
  'HTTP 200 when failed',
];

const [file, wanted] = process.argv.slice(2);
const { run } = JSON.parse(readFileSync(file, 'utf8'));
const problems = [];

// A poll that comes too early is sent again; each request has been sent once at least.
const names = new Set(run.executions.map(({ item }) => item.id));
if (names.size !== Number(wanted)) problems.push(`${names.size} requests were sent, not ${wanted}`);
if (run.failures.length > 0) {
  problems.push(...run.failures.map(({ source, error }) => `${source?.name}: ${error.test ?? error.name}: ${error.message}`));
}

let assertions = 0;
for (const { item, response, requestError, assertions: own = [], testScript = [], prerequestScript = [] } of run.executions) {
  if (!response || requestError) problems.push(`${item.name}: there was no answer`);
  for (const { error } of [...testScript, ...prerequestScript]) {
    if (error) problems.push(`${item.name}: a script failed: ${error.message}`);
  }
  if (own.length === 0) problems.push(`${item.name}: nothing was asserted`);
  for (const { assertion, error, skipped } of own) {
    assertions += 1;
    if (error) problems.push(`${item.name}: ${assertion}: ${error.message}`);
    if (skipped) problems.push(`${item.name}: ${assertion} was skipped`);
    if (LACKING.includes(assertion)) problems.push(`${item.name}: "${assertion}" is a branch for a gateway that lacks it`);
  }
}

console.log('| requests | sent | assertions | failed | time |');
console.log('|---|---|---|---|---|');
const { started, completed } = run.timings;
console.log(`| ${names.size} | ${run.executions.length} | ${assertions} | ${run.failures.length} | ${completed - started} ms |`);

for (const problem of new Set(problems)) console.error(`ci/newman: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
