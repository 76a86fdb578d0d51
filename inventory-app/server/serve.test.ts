import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

describe('The command line', () => {
  let directory: string;
  const running = new Set<ChildProcess>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-cloud-'));
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  function start(args: string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DATABASE_URL: `file:${join(directory, 'cloud.db')}`, ...env },
    });
    running.add(child);
    const ended = once(child, 'exit').then(([code]) => {
      running.delete(child);
      return code as number | null;
    });
    return { child, ended };
  }

  async function run(args: string[], env: Record<string, string> = {}) {
    const { child, ended } = start(args, env);
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { out, err, code };
  }

  async function serve() {
    const started = start(['serve', '--port', '0']);
    const log = text(started.child.stderr);
    const [line] = (await once(createInterface(started.child.stdout), 'line')) as [string];
    expect(line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/);
    return { ...started, log, url: line.slice('listening on '.length) };
  }

  test('seeds, serves, and ends at SIGTERM though somebody follows the feed', async () => {
    expect(await run(['seed'])).toMatchObject({ code: 0, out: expect.stringContaining('Seeded') as string });
    const { child, ended, url, log } = await serve();
    const signedIn = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'clerk', password: 'larder-demo' }),
    });
    const { token } = (await signedIn.json()) as { token: string };
    const live = await fetch(`${url}/api/v1/changes/live`, { headers: { authorization: `Bearer ${token}` } });
    const reader = live.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    while ((await reader?.read())?.done === false);
    // Neither the password nor the token is in the log.
    expect(await log).toContain('/api/v1/session');
    expect(await log).not.toMatch(/larder-demo|eyJ/);
  });

  test('begins a new epoch', async () => {
    const [first, second] = [await run(['new-epoch']), await run(['new-epoch'])];
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.out).not.toBe(second.out);
  });

  test('migrates once', async () => {
    const DATABASE_URL = `file:${join(directory, 'fresh.db')}`;
    expect((await run(['migrate'], { DATABASE_URL })).out).toMatch(/^applied /);
    expect((await run(['migrate'], { DATABASE_URL })).out).toBe('up to date\n');
  });

  test.each([
    [['--help'], 0, /^Usage:/, /^$/],
    [['bogus'], 2, /^$/, /no command "bogus"/],
    [['import'], 2, /^$/, /"import" is used differently/],
    [['--port', '70000'], 2, /^$/, /--port must be/],
    [['--bogus'], 2, /^$/, /bogus/],
  ])('%j ends with %i', async (args, code, out, err) => {
    const ended = await run(args);
    expect(ended.code).toBe(code);
    expect(ended.out).toMatch(out);
    expect(ended.err).toMatch(err);
  });

  test('says in one line what is wrong with the database', async () => {
    const ended = await run(['serve'], { DATABASE_URL: 'mysql://root:secret@localhost/x' });
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(/^DATABASE_URL must be .*\n$/);
    expect(ended.err).not.toContain('secret');
  });
});
