/** A process of its own: the suite's client, which keeps its state in its modules. Sends the results to its parent. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadGroups, loadSuite, partsOf } from './suite.ts';

/** As many as the suite's newest revision runs at the same time. */
const IN_PARALLEL = 25;

interface Runner {
  runTests(...args: unknown[]): Promise<void>;
  /** True, or the kind of failure and a message, by test id. */
  getResults(): Record<string, true | [string, string]>;
}

const [directory = '', base = '', ...ids] = process.argv.slice(2);
const suite = await loadSuite(directory);
const groups = (await loadGroups(directory)).map((group) => ({
  ...group,
  tests: group.tests.filter(({ id }) => ids.length === 0 || ids.includes(id)),
}));
const runner = (await import(pathToFileURL(join(directory, partsOf(suite).runner)).href)) as Runner;
if (suite.released) {
  const { default: fetchOfRelease } = await dependency<{ default: unknown }>('node-fetch');
  await runner.runTests(groups, fetchOfRelease, false, base, IN_PARALLEL);
} else {
  // A checkout watches 1xx answers with its own undici, which another version's fetch, such as Node's, cannot use.
  ({ fetch: globalThis.fetch } = await dependency<{ fetch: typeof fetch }>('undici'));
  await runner.runTests(groups, false, base, IN_PARALLEL);
}
process.send?.(runner.getResults());

/** What the suite itself would import by this name. */
async function dependency<T>(name: string): Promise<T> {
  const path = createRequire(join(directory, 'package.json')).resolve(name);
  return (await import(pathToFileURL(path).href)) as T;
}
