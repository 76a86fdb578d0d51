/** Runs the suite against a real edge over real sockets: its origin, the edge and its client are a process each. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '../stage/process.ts';
import { partsOf } from './suite.ts';
import type { Suite, SuiteTest } from './suite.ts';

export interface Outcome extends SuiteTest {
  passed: boolean;
  /** What the suite says of a failure; empty where there is none. */
  message: string;
}

type Results = Record<string, true | [string, string]>;

/**
 * What every test of the suite came to; takes about a minute. Its tests count seconds, so a busy machine can fail one:
 * what comes out otherwise than expected is run once more, alone. `unpassed`: ids that are expected to fail.
 */
export async function runSuite(suite: Suite, unpassed: ReadonlySet<string>): Promise<Outcome[]> {
  const ending = new AsyncDisposableStack();
  try {
    const data = await mkdtemp(join(tmpdir(), 'larder-conformance-'));
    ending.defer(() => rm(data, { recursive: true, force: true }));
    const origin = ending.adopt(forkOrigin(suite, data), end);
    const cloud = await listening(origin);
    const edge = ending.adopt(await startEdge(cloud, data), (it) => it.stop());
    const run = (ids: string[]) => resultsOf(ending.adopt(forkClient(suite, edge.url, ids), end));
    const results = await run([]);
    const odd = outcomesOf(suite, results).filter(({ id, passed }) => passed === unpassed.has(id));
    // A check has no right outcome.
    const again = odd.filter(({ kind }) => kind !== 'check').map(({ id }) => id);
    return outcomesOf(suite, again.length === 0 ? results : { ...results, ...(await run(again)) });
  } finally {
    await ending.disposeAsync();
  }
}

/** The suite's server is configured as if npm had started it. */
const forkOrigin = (suite: Suite, data: string): ChildProcess =>
  fork(join(suite.directory, partsOf(suite).server), {
    silent: true,
    env: {
      ...process.env,
      npm_config_protocol: 'http',
      npm_config_port: '0',
      npm_config_pidfile: join(data, 'origin.pid'),
    },
  });

const startEdge = (cloud: string, data: string) =>
  startProcess({
    name: 'the edge',
    file: 'proxy/src/main.ts',
    args: ['start', '--cloud', cloud, '--port', '0', '--data', join(data, 'edge'), '--log-level', 'warn'],
  });

/** `ids`: the tests to run; empty: all. */
const forkClient = (suite: Suite, base: string, ids: string[]): ChildProcess =>
  fork(join(import.meta.dirname, 'client.ts'), [suite.directory, base, ...ids], { silent: true });

async function listening(origin: ChildProcess): Promise<string> {
  let output = '';
  origin.stderr?.resume();
  for await (const chunk of origin.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    output += String(chunk);
    const port = /Listening on \S+:(\d+)\/?\s/.exec(output)?.[1];
    if (port === undefined) continue;
    origin.stdout?.resume();
    return `http://127.0.0.1:${port}`;
  }
  throw new Error(`The suite's origin did not start:\n${output}`);
}

/** Rejects, with what the client printed, where it ends without results. */
async function resultsOf(client: ChildProcess): Promise<Results> {
  let output = '';
  const take = (chunk: Buffer) => (output = (output + String(chunk)).slice(-10_000));
  client.stdout?.on('data', take);
  client.stderr?.on('data', take);
  const ended = once(client, 'exit').then(() => null);
  const message = await Promise.race([once(client, 'message'), ended]);
  if (message === null) throw new Error(`The suite's client failed:\n${output}`);
  return message[0] as Results;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

/** A test whose precondition fails has not passed, whatever it says of itself. */
function outcomesOf({ tests }: Suite, results: Results): Outcome[] {
  const byId = new Map(tests.map((test) => [test.id, test]));
  const messageOf = (id: string): string => {
    const result = results[id];
    if (result !== true) return result === undefined ? 'It did not run.' : result.join(': ');
    const broken = byId.get(id)?.dependsOn.find((other) => messageOf(other) !== '');
    return broken === undefined ? '' : `It depends on ${broken}, which fails.`;
  };
  return tests.map((test) => {
    const message = messageOf(test.id);
    return { ...test, passed: message === '', message };
  });
}
