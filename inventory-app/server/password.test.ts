import { expect, test } from 'vitest';
import { hashPassword, verifyPassword } from './password.ts';

test('A password fits its own hash and no other password does', async () => {
  const hash = await hashPassword('larder-demo');
  expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$/);
  expect(await verifyPassword('larder-demo', hash)).toBe(true);
  expect(await verifyPassword('larder-demO', hash)).toBe(false);
  expect(await verifyPassword('', hash)).toBe(false);
});

test('The same password has another hash each time', async () => {
  expect(await hashPassword('a')).not.toBe(await hashPassword('a'));
});

test('How an accent is encoded makes no difference', async () => {
  expect(await verifyPassword('caf\u00e9', await hashPassword('cafe\u0301'))).toBe(true);
});

test('A hash of lower cost, made by an older release, is still read', async () => {
  // RFC 7914 §12, scrypt("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1).
  const hash =
    '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw';
  expect(await verifyPassword('pleaseletmein', hash)).toBe(true);
});

test('What is not a hash fits nothing', async () => {
  expect(await verifyPassword('', '')).toBe(false);
  expect(await verifyPassword('x', 'x')).toBe(false);
});
