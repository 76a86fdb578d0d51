import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('crash-point.ts', import.meta.url).href;

/** Passes two points, one of them twice, in a process of its own; its output and what ended it. */
function pass(env: Record<string, string>) {
  const script = `
    const { crashPoint } = await import(${JSON.stringify(MODULE)});
    for (const point of ['accept:committed', 'answered', 'answered']) { crashPoint?.(point); console.log(point); }
    console.log(crashPoint === null ? 'unarmed' : 'armed');`;
  const { PATH = '' } = process.env;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env: { PATH, ...env } });
  return { passed: String(child.stdout).trim().split('\n'), signal: child.signal, error: String(child.stderr) };
}

test('I12: the process dies as by kill -9, the n-th time that it passes the point', () => {
  const first = pass({ NODE_ENV: 'test', LARDER_CRASH_AT: 'answered' });
  expect([first.passed, first.signal]).toEqual([['accept:committed'], 'SIGKILL']);
  const second = pass({ NODE_ENV: 'test', LARDER_CRASH_AT: 'answered:2' });
  expect([second.passed, second.signal]).toEqual([['accept:committed', 'answered'], 'SIGKILL']);
});

test('nothing is armed without the variable, nor outside of tests', () => {
  const all = ['accept:committed', 'answered', 'answered', 'unarmed'];
  expect(pass({ NODE_ENV: 'test' }).passed).toEqual(all);
  expect(pass({ NODE_ENV: 'production', LARDER_CRASH_AT: 'answered' }).passed).toEqual(all);
  expect(pass({ LARDER_CRASH_AT: 'answered' }).passed).toEqual(all);
});

test('a point that does not exist is said to be none', () => {
  expect(pass({ NODE_ENV: 'test', LARDER_CRASH_AT: 'answred' }).error).toMatch('there is no such point');
});
