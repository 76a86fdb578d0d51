import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuditReport } from './client.ts';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();

/** Runs an audit to its end. */
async function audit(): Promise<AuditReport> {
  const run = await edge.back.audit();
  const status = () => edge.back.status.replica.audit;
  await until('the audit has ended', () => status().run === run && status().running === null);
  const { failed, last } = status();
  if (failed !== null || last === null) throw new Error(`the audit failed: ${failed}`);
  return last;
}

/** Changes bases behind everybody's back, as a fault of ours or of the disk would; views and indexes with them. */
function corrupt(...sql: string[]): void {
  const db = new DatabaseSync(join(edge.data, 'edge.db'));
  db.exec('PRAGMA busy_timeout = 5000');
  for (const each of sql) db.exec(each);
  db.close();
}

const CHANGED = `UPDATE "doc:articles" SET base = json_set(base, '$.name', 'rotten'),
  view = json_set(view, '$.name', 'rotten') WHERE id = 'b'`;
const MISSING = `DELETE FROM "doc:articles" WHERE id = 'c'`;
const EXTRA = `INSERT OR REPLACE INTO "doc:articles" (id, version, walk, base, view)
  SELECT 'bx', 900, walk, json_set(base, '$.id', 'bx'), json_set(view, '$.id', 'bx') FROM "doc:articles" WHERE id = 'a'`;

async function articles(): Promise<unknown> {
  return (await edge.read('/articles'))?.body['data'];
}

describe.each(['digests', 'pages'] as const)('an audit by %s', (by) => {
  const open = async () => {
    edge.cloud.digests = by === 'digests';
    await edge.openComplete(
      by === 'digests' ? { profile: join(import.meta.dirname, 'test-app/digest-profile.ts') } : {},
    );
  };

  test('finds nothing where all is well, and says how many documents it has checked', async () => {
    await open();
    await edge.order('k1');
    await edge.drained();
    expect(await audit()).toMatchObject({ checked: 6, drifted: 0, unconfirmed: 0 });
  });

  test('finds what was changed, what is missing and what is too much, and mends it', async () => {
    await open();
    const before = await articles();
    corrupt(CHANGED, MISSING, EXTRA);
    expect(await articles()).not.toEqual(before);
    const report = await audit();
    expect(report).toMatchObject({ drifted: 3, resources: { articles: { changed: 1, missing: 1, extra: 1 } } });
    expect(await articles()).toEqual(before);
    expect(await audit()).toMatchObject({ drifted: 0 });
    // What was mended follows the feed again.
    edge.cloud.setArticle('c', { qty: 7 });
    edge.cloud.setArticle('bx', { name: 'genuine', qty: 1 });
    await until('the feed has brought both', async () => (await edge.quantity('c')) === 7);
    await until('the feed has brought both', async () => (await edge.quantity('bx')) === 1);
  });

  test('I6: keeps the overlay over what it mends', async () => {
    await open();
    edge.back.link('offline', false);
    await edge.order('k1', 'c', 2);
    edge.cloud.mood = 'silent';
    corrupt(`UPDATE "doc:articles" SET base = json_set(base, '$.qty', 55) WHERE id = 'c'`);
    edge.back.link('online', false);
    await until('the feed is live again', () => edge.back.status.replica.feed.live);
    expect(await audit()).toMatchObject({ drifted: 1 });
    expect(await edge.quantity('c')).toBe(98);
  });

  test('takes no change that the feed brings for drift, while both go on', async () => {
    await open();
    const till = { isOpen: true };
    let qty = 0;
    const other = (async () => {
      for (; till.isOpen; qty += 1) {
        for (const id of ['a', 'd']) edge.cloud.setArticle(id, { qty });
        edge.cloud.setArticle(`new-${qty}`, { name: 'new', qty: 1 });
        if (qty > 3) edge.cloud.removeArticle(`new-${qty - 3}`);
        await edge.order(`k${qty}`, 'e', 1, PATIENT);
      }
    })();
    try {
      for (let round = 0; round < 5; round += 1) {
        corrupt(CHANGED, MISSING, EXTRA);
        expect((await audit()).resources['articles']).toMatchObject({ changed: 1, missing: 1, extra: 1 });
      }
    } finally {
      till.isOpen = false;
      await other;
    }
    await edge.drained();
    await until('the feed has brought the last', async () => (await edge.quantity('a')) === qty - 1);
    expect(await audit()).toMatchObject({ drifted: 0 });
    expect(await articles()).toHaveLength(edge.cloud.articles.size);
  });
});

test('an absence that no item read confirms deletes nothing', async () => {
  await edge.openComplete();
  edge.cloud.hidden.add('b');
  expect(await audit()).toMatchObject({ drifted: 0 });
  expect(await edge.quantity('b')).toBe(100);
});

test('an audit that is cut off says so, and the last report stays', async () => {
  await edge.openComplete();
  await audit();
  edge.cloud.listsLeft = 1;
  const run = await edge.back.audit();
  const status = () => edge.back.status.replica.audit;
  await until('the audit has ended', () => status().run === run && status().running === null);
  expect(status()).toMatchObject({ failed: 'the cloud answered 503', last: { drifted: 0 } });
});

test('I9: a replica that is not complete is not audited', async () => {
  await edge.open();
  await edge.back.audit();
  await until('it has ended', () => edge.back.status.replica.audit.failed !== null);
  expect(edge.back.status.replica.audit).toMatchObject({ failed: 'the replica is not complete yet', last: null });
});

test('the report survives a restart', async () => {
  await edge.openComplete();
  const report = await audit();
  await edge.back.stop();
  await edge.open();
  expect(edge.back.status.replica.audit).toMatchObject({ run: 0, last: report });
});
