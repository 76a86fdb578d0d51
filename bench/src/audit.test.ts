/** `larder audit` over real processes: a cloud, an edge whose bases are damaged, and a till that goes on selling. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditReport } from '@larder/sync/client';
import type { Client } from './stage/client.ts';
import { runProcess } from './stage/process.ts';
import { Stage } from './stage/stage.ts';

let stage: Stage;
let clerk: Client;

beforeAll(async () => {
  stage = await Stage.start();
  await stage.ready();
  clerk = await stage.atEdge.signIn('clerk');
}, 120_000);
afterAll(() => stage.close());

const larder = (...args: string[]) =>
  runProcess({
    name: 'larder audit',
    file: 'proxy/src/main.ts',
    args: ['audit', '--edge', stage.edge.url, '--data', join(stage.directory, 'edge'), ...args],
  });

function corrupt(...sql: string[]): void {
  const db = new DatabaseSync(join(stage.directory, 'edge', 'edge.db'));
  db.exec('PRAGMA busy_timeout = 5000');
  for (const each of sql) db.exec(each);
  db.close();
}

test('an audit mends damaged bases while the till sells, and finds nothing the next time', async () => {
  const [first, second, third] = await clerk.all<{ id: string; name: string }>('/products');
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are no products');
  const till = { isOpen: true };
  const selling = (async () => {
    while (till.isOpen) {
      const lines = [{ productId: first.id, qty: 1, unitPrice: 100 }];
      const { status } = await clerk.write('POST', '/sales', { storeId: 'S001', lines });
      expect([201, 202]).toContain(status);
    }
  })();
  try {
    corrupt(
      `UPDATE "doc:products" SET base = json_set(base, '$.name', 'rotten') WHERE id = '${second.id}'`,
      `DELETE FROM "doc:products" WHERE id = '${third.id}'`,
      `INSERT INTO "doc:stock-levels" (id, version, walk, base)
         SELECT 'S001:nowhere', 1, walk, json_set(base, '$.id', 'S001:nowhere') FROM "doc:stock-levels" LIMIT 1`,
    );
    const report = JSON.parse(await larder('--json')) as AuditReport;
    expect(report).toMatchObject({
      drifted: 3,
      unconfirmed: 0,
      resources: {
        products: { changed: 1, missing: 1, extra: 0 },
        'stock-levels': { changed: 0, missing: 0, extra: 1 },
      },
    });
  } finally {
    till.isOpen = false;
    await selling;
  }
  expect(await larder()).toMatch(/Checked \d+ documents, 0 drifted\./);
  await stage.link.set('down');
  expect((await clerk.get(`/products/${second.id}`)).body).toMatchObject({ name: second.name });
  expect((await clerk.get(`/products/${third.id}`)).body).toMatchObject({ name: third.name });
}, 120_000);
