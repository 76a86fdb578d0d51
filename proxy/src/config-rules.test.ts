import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RULE_FIELDS } from './config-rules.ts';
import { loadConfig } from './config-sources.ts';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'larder-rules-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function load(rules: unknown, env: Record<string, string> = {}) {
  const file = join(directory, 'larder.json');
  writeFileSync(file, JSON.stringify({ cloud: 'http://127.0.0.1:4000', ...(rules === undefined ? {} : { rules }) }));
  return loadConfig({ flags: {}, env, directory, file }).rules;
}

function refusal(rules: unknown): string {
  try {
    load(rules);
  } catch (error) {
    if (error instanceof LarderError && error.code === 'LARDER_CONFIG_INVALID') return error.detail;
    throw error;
  }
  throw new Error('the rules were taken');
}

test('rules stand in the file, or as JSON in the environment; there are none by default', () => {
  const rule = { match: 'GET /api/products/:id', ttl: 60, scope: 'user', dropQuery: ['utm_*', 'fbclid'] };
  expect(load([rule])).toEqual([{ ...rule, match: '/api/products/:id' }]);
  expect(load(undefined, { LARDER_RULES: JSON.stringify([rule]) })).toHaveLength(1);
  expect(load(undefined)).toEqual([]);
});

test.each([
  ['no list', { match: '/a' }, /^rules \(given in .*\) must be a list of rules/],
  ['a path without its slash', [{ match: 'a', ttl: 1 }], /^rules\[0\]\.match \(given in .*\): must be a path such as/],
  ['another method', [{ match: 'POST /a', ttl: 1 }], /^rules\[0\]\.match/],
  ['a star within', [{ match: '/a/*/b', ttl: 1 }], /^rules\[0\]\.match/],
  ['a query', [{ match: '/a?b', ttl: 1 }], /^rules\[0\]\.match/],
  [
    'half a second',
    [
      { match: '/a', ttl: 1 },
      { match: '/b', ttl: 0.5 },
    ],
    /^rules\[1\]\.ttl .*whole number of seconds/,
  ],
  ['an unknown scope', [{ match: '/a', scope: 'all' }], /^rules\[0\]\.scope .*"public" or "user"/],
  ['an unknown field', [{ match: '/a', tll: 1 }], /^rules\[0\] .*"tll"/],
  ['nothing to say', [{ match: '/a' }], /^rules\[0\] .*something besides match/],
  ['a name that is none', [{ match: '/a', dropQuery: ['a&b'] }], /^rules\[0\]\.dropQuery\[0\]/],
])('refused, naming the place: %s', (_name, rules, message) => expect(refusal(rules)).toMatch(message));

test('every field is documented', () => {
  for (const [, about] of RULE_FIELDS) expect(about).toMatch(/^[A-Z].*\.$/s);
});
