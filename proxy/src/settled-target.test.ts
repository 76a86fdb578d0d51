import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Establish } from './establish.ts';
import { withSettledTarget } from './settled-target.ts';
import { parseTarget } from './target.ts';

const TEMPORARY = `tmp-${'0'.repeat(32)}`;
const asked: string[] = [];
const back = {
  settledIds: async (text: string) => {
    asked.push(text);
    return text.replaceAll(TEMPORARY, 'made-1');
  },
};

/** What a request for this target is established as. */
async function targetOf(method: string, address: string): Promise<string> {
  let found = '';
  const note = (...[, , { path, search }]: Parameters<Establish>) => {
    found = path + search;
    return Promise.resolve({});
  };
  const establish = note as unknown as Establish;
  const target = parseTarget(address);
  if (target === null) throw new Error(`${address} is no target`);
  await withSettledTarget(establish, back)({ method } as IncomingMessage, {} as ServerResponse, target);
  return found;
}

test('a read by a temporary id is one by the id that the cloud gave, in path and filters', async () => {
  expect(await targetOf('GET', `/products/${TEMPORARY}`)).toBe('/products/made-1');
  expect(await targetOf('HEAD', `/levels?productId=${TEMPORARY}&limit=1`)).toBe('/levels?productId=made-1&limit=1');
});

test('any other read waits for nobody, and a write is left to whoever accepts it', async () => {
  asked.length = 0;
  expect(await targetOf('GET', '/products/tmp-1?q=tmp-')).toBe('/products/tmp-1?q=tmp-');
  expect(await targetOf('PATCH', `/products/${TEMPORARY}`)).toBe(`/products/${TEMPORARY}`);
  expect(asked).toEqual([]);
});
