import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rule } from '../config-rules.ts';
import { compileRules, termsOf } from './rules.ts';

const hide = (secret: string) => `<${secret.length}:${Buffer.from(secret).toString('base64url')}>`;
const compile = (...rules: Rule[]) => compileRules(rules, hide);
const keyOf = (rule: Rule, search: string, scope = 'anna') => {
  const rules = compile(rule);
  const ruling = rules.of('/a');
  if (ruling === null) throw new Error('no rule applies');
  return rules.key(ruling, { path: '/a', search, scope });
};

describe('what a rule applies to', () => {
  test.each([
    ['/a/b', '/a/b', true],
    ['/a/b', '/a/b/c', false],
    ['/a/:id', '/a/42', true],
    ['/a/:id', '/a/', false],
    ['/a/:id', '/a/42/b', false],
    ['/a/:id/b', '/a/42/b', true],
    ['/a/*', '/a/42/b', true],
    ['/a/*', '/a', false],
    ['/a*', '/ab', true],
    ['/a/:id/*', '/a/42/b/c', true],
    ['/*', '/', true],
    ['/a.b(c)', '/a.b(c)', true],
    ['/a.b', '/axb', false],
  ])('%s and %s: %s', (match, path, applies) => {
    expect(compile({ match, ttl: 1 }).of(path) !== null).toBe(applies);
  });

  test.each(['/static/..%2faccount', '/static/..;/account', '/static/%2e%2e/account', '/static/%5c..', '/static/a%00'])(
    'I8: none applies to %s, which an app may read as another path',
    (path) => expect(compile({ match: '/static/*', scope: 'public' }).of(path)).toBeNull(),
  );
});

describe('precedence', () => {
  const rules = compile(
    { match: '/api/*', staleIfError: 7 },
    { match: '/api/products', ttl: 5, staleIfError: 1 },
    { match: '/*', ttl: 9, scope: 'user', dropQuery: ['utm_*'] },
  );

  test('all that match count, of each field the first that gives it', () => {
    expect(rules.of('/api/products')?.terms).toEqual({ ttl: 5, staleIfError: 7, scope: 'user' });
    expect(rules.of('/api/x')?.terms).toEqual({ ttl: 9, staleIfError: 7, scope: 'user' });
    expect(rules.of('/x')?.terms).toEqual({ ttl: 9, scope: 'user' });
    expect(rules.of('/api/y')).toBe(rules.of('/api/x'));
  });

  test("the operator's word goes before the profile's, field by field", () => {
    const profile = { ttl: 60, staleWhileRevalidate: 30 };
    expect(termsOf(rules.of('/api/products'), profile)).toEqual({
      ttl: 5,
      staleWhileRevalidate: 30,
      staleIfError: 7,
      scope: 'user',
    });
    expect(termsOf(null, profile)).toBe(profile);
    expect(termsOf(null, undefined)).toBeNull();
  });
});

describe('the key', () => {
  test('is without what is dropped, and so is what the cloud is asked', () => {
    const rule = { match: '/a', dropQuery: ['utm_*', 'fbclid'] };
    const key = { uri: '/a?x=1&y', target: '/a?x=1&y', scope: 'anna' };
    expect(keyOf(rule, '?utm_source=s&x=1&fbclid=f&y&utm%5Fid=2')).toEqual(key);
    expect(keyOf(rule, '?utm_source=s')).toMatchObject({ uri: '/a', target: '/a' });
    expect(keyOf(rule, '')).toMatchObject({ uri: '/a', target: '/a' });
  });

  test('I8: holds no secret; each value is a scope of its own, within the scope of who asks', () => {
    const rule = { match: '/a', secretQuery: ['key'] };
    const one = keyOf(rule, '?key=hush&x=1');
    expect(one).toMatchObject({ uri: '/a?x=1', target: '/a?key=hush&x=1' });
    expect(JSON.stringify([one.uri, one.scope])).not.toContain('hush');
    const scopes = [one, keyOf(rule, '?key=other'), keyOf(rule, '?key=hush', 'ben'), keyOf(rule, '?x=1')];
    expect(new Set(scopes.map(({ scope }) => scope)).size).toBe(4);
    expect(keyOf({ ...rule, scope: 'public' }, '?key=hush').scope).not.toBe(
      keyOf({ ...rule, scope: 'public' }, '?key=x').scope,
    );
  });

  test('I8: public is a scope that no request has without the rule', () => {
    const rule: Rule = { match: '/a', scope: 'public' };
    expect(keyOf(rule, '', 'anna').scope).toBe(keyOf(rule, '', '').scope);
    expect(keyOf(rule, '', '').scope).not.toBe('');
  });

  test('I8: two requests share a key only where the cloud is asked the same', () => {
    const rule = { match: '/a', dropQuery: ['utm_*'], secretQuery: ['key'] };
    const parameter = fc.tuple(fc.constantFrom('x', 'y', 'utm_a', 'key'), fc.constantFrom('', '1', '2', 'ü&='));
    const parameters = fc.array(parameter, { minLength: 1, maxLength: 4 });
    const ask = (given: [string, string][]) =>
      keyOf(rule, `?${given.map((one) => one.map(encodeURIComponent).join('=')).join('&')}`);
    /** Where secrets stand among the others does not matter. */
    const asked = ({ target }: { target: string }) => {
      const sent = target.slice('/a?'.length).split('&');
      const isSecret = (one: string) => one.startsWith('key=');
      return JSON.stringify([sent.filter(isSecret), sent.filter((one) => !isSecret(one))]);
    };
    fc.assert(
      fc.property(parameters, parameters, (left, right) => {
        const [a, b] = [ask(left), ask(right)];
        expect(a.uri === b.uri && a.scope === b.scope).toBe(asked(a) === asked(b));
      }),
    );
  });
});
