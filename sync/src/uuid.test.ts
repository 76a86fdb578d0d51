import { expect, test } from 'vitest';
import { uuidv7 } from './uuid.ts';

test('a UUIDv7 says when it was made, and sorts by that', () => {
  // RFC 9562 §A.6.
  const at = Date.parse('2022-02-22T19:22:22.000Z');
  expect(uuidv7(at)).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuidv7(at + 0.5).slice(0, 13)).toBe('017f22e2-79b0');
  expect(uuidv7(at) < uuidv7(at + 1)).toBe(true);
  expect(uuidv7(at)).not.toBe(uuidv7(at));
});
