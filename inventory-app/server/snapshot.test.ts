import { beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { digestOf } from '../rules/digest.ts';
import { REPLICATED } from '../edge/resources.ts';
import { describeBothDatabases } from './db/both-databases.ts';
import { type Ask, type Cloud, startCloud } from './test-cloud.ts';

describeBothDatabases('A snapshot', (databases) => {
  let cloud: Cloud;
  let edge: Ask;

  beforeAll(async () => {
    cloud = await startCloud(await databases.make());
    edge = cloud.edge('S001');
    const line = { productId: 'p1', qty: 1, unitPrice: 5 };
    const clerks = [await cloud.as('clerk'), await cloud.as('clerk2')];
    for (const [at, clerk] of clerks.entries()) {
      const storeId = `S00${at + 1}`;
      await clerk('/sales', { method: 'POST', body: { storeId, lines: [line, line] } });
      for (const code of ['A', 'B'])
        await clerk('/customers', { method: 'POST', body: { name: code, code: `${code}${at}`, storeId } });
    }
    return () => cloud.close();
  });

  async function all(path: string): Promise<Doc[]> {
    const docs: Doc[] = [];
    for (let after: string | null = ''; after !== null;) {
      const { status, body } = await edge(`${path}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`);
      expect(status).toBe(200);
      docs.push(...(body.data as Doc[]));
      after = (body.page as { next: string | null }).next;
    }
    return docs;
  }

  test.each(REPLICATED)('of %s has what its list has, by id, in pages of any size', async (resource) => {
    const listed = await all(`/${resource}?sort=id&limit=500`);
    for (const limit of [1, 3, 5000]) expect(await all(`/snapshots/${resource}?limit=${limit}`)).toEqual(listed);
    const { body } = await edge(`/snapshots/${resource}?digest=true`);
    expect(body).toEqual({ digest: digestOf(listed), through: listed.at(-1)?.id ?? null, page: { next: null } });
  });

  test('of more facts than a query takes values has them all, with their lines', async () => {
    const { prisma } = cloud.services.database;
    const at = '2026-01-05T10:00:00.000Z';
    const ids = Array.from({ length: 2100 }, (_, n) => `many-${n}`);
    const fact = { kind: 'adjustments', storeId: 'S001', businessDate: '2026-01-05', occurredAt: at, recordedAt: at };
    for (let from = 0; from < ids.length; from += 300) {
      const some = ids.slice(from, from + 300);
      await prisma.fact.createMany({ data: some.map((id) => ({ ...fact, id, userId: 'u-clerk', reason: 'found' })) });
      const lineOf = (factId: string, lineNo: number) => ({ factId, lineNo, productId: 'p1', qty: lineNo });
      await prisma.factLine.createMany({ data: some.flatMap((id) => [lineOf(id, 2), lineOf(id, 1)]) });
    }
    const { status, body } = await edge('/snapshots/adjustments?limit=5000');
    expect(status).toBe(200);
    const found = (body.data as Doc[]).filter(({ id }) => String(id).startsWith('many-'));
    expect(found.map(({ id }) => id)).toEqual(ids.toSorted());
    const numbers = (doc: Doc) => (doc.lines as Doc[]).map(({ lineNo }) => lineNo);
    expect(found.filter((doc) => String(numbers(doc)) !== '1,2')).toEqual([]);
  });

  test('I8: has no more than its reader may see', async () => {
    const clerk2 = await cloud.as('clerk2');
    const { body } = await clerk2('/snapshots/sales?');
    expect((body.data as Doc[]).map(({ storeId }) => storeId)).toEqual(['S002']);
    expect((await clerk2('/snapshots/users')).status).toBe(403);
    expect((await cloud.ask('/snapshots/products')).status).toBe(401);
  });

  test.each(['limit=0', 'limit=5001', 'limit=x', 'digest=yes', 'sort=name', 'after=%00', 'limit=1&limit=2'])(
    'with %s is refused',
    async (query) => expect((await edge(`/snapshots/products?${query}`)).status).toBe(400),
  );
});
