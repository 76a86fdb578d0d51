import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_KEYS, flagOf } from '../config.ts';
import type { Status } from '../console/status.ts';
import { VERSION } from '../version.ts';
import { openBox } from './test-box.ts';
import type { Box } from './test-box.ts';

let box: Box;
beforeEach(async () => void (box = await openBox()));
afterEach(() => box.close());

const larder: Box['larder'] = (...args) => box.larder(...args);
const startEdge: Box['startEdge'] = (...args) => box.startEdge(...args);

const pageOf = async (url: string, path: string) => {
  const answer = await fetch(url + path);
  return { status: answer.status, source: answer.headers.get('larder-source'), text: await answer.text() };
};

/** A bound, not a measure. */
const PATIENT = { timeout: 20_000 };

const isAnswered = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  );

const statusOf = async (url: string) => (await (await fetch(`${url}/_edge/status`)).json()) as Status;

describe('help', () => {
  test('the version is printed', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await larder(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test.each([
    [[]],
    [['--help']],
    [['start', '--help']],
    [['status', '--help']],
    [['link', '--help']],
    [['purge', '--help']],
    [['explain', '--help']],
  ])('larder %j explains itself', async (args) => {
    const { code, out } = await larder(args);
    expect(code).toBe(0);
    expect(out).toContain('Usage: larder');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(130);
  });

  test('the help of start names every key', async () => {
    const { out } = await larder(['start', '--help']);
    for (const name of CONFIG_KEYS.filter((key) => key !== 'credential' && key !== 'key'))
      expect(out).toContain(`--${flagOf(name)},`);
    expect(out).toContain('LARDER_CREDENTIAL');
  });
});

describe('mistakes end with one message and the code of the table', () => {
  test.each([
    ['a command that is none', ['begin'], 2, '"begin" is not a command'],
    ['an option that is none', ['start', '--cluod', 'x'], 2, "'--cluod'"],
    ['a word too many', ['start', 'now'], 2, '"now" is not understood'],
    ['no cloud', ['start'], 2, 'cloud is missing'],
    ['a secret on the command line', ['start', '--credential', 'hush'], 2, 'LARDER_CREDENTIAL'],
    ['a profile that is not there', ['start', '--cloud', 'http://a', '--store', 'S', '--profile', 'no.ts'], 2, 'no.ts'],
    ['no edge there', ['status', '--edge', 'http://127.0.0.1:1'], 4, 'No Larder answers there'],
    ['an address that is none', ['status', '--edge', 'here'], 2, '--edge'],
    ['no action', ['link'], 2, 'hold the link or to release'],
    ['a directory without a token', ['link', 'hold', '--data', 'none'], 3, 'console-token'],
  ])('%s', async (_name, args, code, message) => {
    const { code: actual, out, err } = await larder(args);
    expect({ code: actual, out }).toEqual({ code, out: '' });
    expect(err).toContain(message);
    expect(err).toMatch(/^larder: .*\n {2}\S.*\n {2}\(LARDER_[A-Z_]+\)\n$/);
    expect(err).not.toContain('hush');
  });

  test('a server that is no edge', async () => {
    const { code, err } = await larder(['status', '--edge', box.cloudUrl]);
    expect(code).toBe(4);
    expect(err).toContain('LARDER_NOT_RUNNING');
  });

  test('a port that is taken', async () => {
    const port = new URL(box.cloudUrl).port;
    const { code, err } = await larder(['start', '--cloud', box.cloudUrl, '--port', port, '--data', 'data']);
    expect(code).toBe(3);
    expect(err).toContain('LARDER_LISTEN_FAILED');
  });
});

describe('an edge with a profile', () => {
  const PROFILE = `
    import { existsSync } from 'node:fs';
    import { isMainThread } from 'node:worker_threads';
    const failOnDemand = () => { if (existsSync('fail-now')) throw new Error('the thread is lost'); };
    if (!isMainThread) setInterval(failOnDemand, 20);
    const nothing = () => null;
    export default {
      name: 'fragile', release: 1, probe: '/', honoursKeys: false, resources: {}, reads: {}, writes: {},
      genuine: () => true, user: nothing, scope: () => '', classify: () => 'unavailable', send: (req) => req,
    };
  `;
  const withProfile = (content: string) => {
    writeFileSync(join(box.directory, 'profile.mjs'), content);
    return ['--profile', 'profile.mjs', '--store', 'S001'];
  };

  test('I12: ends when a thread of its back dies, so that it can be started anew', async () => {
    const { end } = await startEdge(withProfile(PROFILE));
    writeFileSync(join(box.directory, 'fail-now'), '');
    const { code, err } = await end;
    expect(code).toBe(70);
    expect(err).toContain('the thread is lost');
  });

  test('does not start with a profile that is none', async () => {
    const args = [
      'start',
      '--cloud',
      box.cloudUrl,
      '--port',
      '0',
      '--data',
      'data',
      ...withProfile('export default {};'),
    ];
    const { code, err } = await larder(args);
    expect(code).toBe(2);
    expect(err).toContain('LARDER_PROFILE_INVALID');
  });
});

describe('an edge without a profile', () => {
  test('is a caching proxy for any origin', async () => {
    const { url } = await startEdge();
    expect(await pageOf(url, '/a?b')).toEqual({ status: 200, source: 'cloud', text: 'this is /a?b' });
    expect(await pageOf(url, '/a?b')).toEqual({ status: 200, source: 'cache', text: 'this is /a?b' });
    expect(box.asked.filter((request) => request === 'GET /a?b')).toHaveLength(1);
    const posted = await fetch(`${url}/a?b`, { method: 'POST', body: 'x' });
    expect(posted.status).toBe(200);
    expect((await pageOf(url, '/a?b')).source).toBe('cloud');
  });

  test('I12: starts after kill -9 while cut off, and serves what it had', async () => {
    const first = await startEdge();
    await pageOf(first.url, '/kept');
    first.child.kill('SIGTERM');
    expect((await first.end).code).toBe(0);
    const killed = await startEdge();
    killed.child.kill('SIGKILL');
    await killed.end;
    await box.endCloud();

    const { url } = await startEdge();
    expect(await pageOf(url, '/kept')).toEqual({ status: 200, source: 'cache', text: 'this is /kept' });
    expect((await pageOf(url, '/never-seen')).status).toBe(503);
    expect((await fetch(`${url}/_edge/health`)).status).toBe(200);
  });

  test('keeps the code that it compiled while it runs, so that kill -9 takes none of it', async () => {
    const { child, end } = await startEdge();
    const files = () => readdirSync(join(box.directory, 'data'), { recursive: true, withFileTypes: true });
    const kept = () => files().filter((file) => file.isFile() && file.parentPath.includes('compiled')).length;
    await expect.poll(kept, PATIENT).toBeGreaterThan(100);
    child.kill('SIGKILL');
    await end;
  });

  test('I11: removes the code that other releases and other versions of Node.js have kept', async () => {
    const compiled = join(box.directory, 'data', 'compiled');
    for (const other of ['v1-of-node', join('0.0.1', 'v2-of-node'), join(VERSION, 'v3-of-node')]) {
      mkdirSync(join(compiled, other), { recursive: true });
      writeFileSync(join(compiled, other, 'code'), 'old');
    }
    const { child, end } = await startEdge();
    await expect.poll(() => readdirSync(compiled), PATIENT).toEqual([VERSION]);
    await expect
      .poll(() => readdirSync(join(compiled, VERSION)), PATIENT)
      .toEqual([expect.stringContaining(process.version)]);
    child.kill('SIGKILL');
    await end;
  });

  test('is the only one in its data directory', async () => {
    await startEdge();
    const { code, err } = await larder(['start', '--cloud', box.cloudUrl, '--port', '0', '--data', 'data']);
    expect(code).toBe(3);
    expect(err).toContain('LARDER_DATA_LOCKED');
  });

  test('ends with 0 when box.asked to, after the request under way', async () => {
    const { child, url, end } = await startEdge();
    let release = (): void => undefined;
    box.cloud.removeAllListeners('request');
    const arrived = new Promise<void>((resolve) => {
      box.cloud.on('request', (request, response) => {
        if (request.url !== '/slow') return void response.end();
        release = () => void response.end('slow, but whole');
        resolve();
      });
    });
    const slow = pageOf(url, '/slow');
    await arrived;
    child.kill('SIGINT');
    await expect.poll(() => isAnswered(url), PATIENT).toBe(false);
    release();
    expect((await slow).text).toBe('slow, but whole');
    expect((await end).code).toBe(0);
  });

  test('takes its configuration from file, environment and flags', async () => {
    writeFileSync(
      join(box.directory, 'larder.json'),
      JSON.stringify({ name: 'from-file', cloud: 'http://127.0.0.1:9' }),
    );
    const { url } = await startEdge(['--config', 'larder.json']);
    const { out } = await larder(['status', '--edge', url, '--json']);
    expect(JSON.parse(out)).toMatchObject({ name: 'from-file', cloud: box.cloudUrl, queue: null, replica: null });
    const { out: readable } = await larder(['status', '--edge', url]);
    expect(readable).toContain('from-file');
  });

  test('sends nothing while its link is held', async () => {
    const { url, child, end } = await startEdge();
    await expect.poll(async () => (await statusOf(url)).link.state, PATIENT).toBe('online');
    const hold = await larder(['link', 'hold', '--edge', url, '--data', 'data']);
    expect(hold).toMatchObject({ code: 0, out: expect.stringContaining('The link is held') });
    expect((await pageOf(url, '/held')).status).toBe(503);
    expect(box.asked).not.toContain('GET /held');
    const release = await larder(['link', 'release', '--edge', url, '--data', 'data', '--json']);
    expect(JSON.parse(release.out)).toMatchObject({ held: false });
    expect((await pageOf(url, '/held')).status).toBe(200);
    child.kill('SIGTERM');
    const lines = (await end).err.split('\n').filter((line) => /"link (held|released)"/.test(line));
    // Who did it, when, and in which state the link was.
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { msg: 'link held', by: 'operator at 127.0.0.1', state: 'online', time: expect.anything() },
      { msg: 'link released', by: 'operator at 127.0.0.1', time: expect.anything() },
    ]);
  });

  test('logs neither credentials nor queries', async () => {
    const { url, child, end } = await startEdge(['--log-level', 'trace']);
    await fetch(`${url}/a?key=hush`, {
      headers: { authorization: 'Bearer hush', cookie: 'session=hush', 'idempotency-key': 'hush' },
    });
    child.kill('SIGTERM');
    const { err, out } = await end;
    expect(err).toContain('"path":"/a"');
    expect(err + out).not.toContain('hush');
  });
});
