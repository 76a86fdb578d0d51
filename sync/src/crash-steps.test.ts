/**
 * Kills a back at the durable steps that a day of an edge does not reach, or not with anything at stake: those of a start,
 * of an import, of the audit, of what is kept beside the queue. Whatever is left, the next start makes good (I12).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackOptions } from './client.ts';
import { exportQueue, importQueue } from './queue/transfer.ts';
import { type BackStep, BACK_STEPS } from './test-app/back-steps.ts';
import type { Deed } from './test-app/crashing-back.ts';
import { dieAt } from './test-app/die-at.ts';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();
let elsewhere: string;
beforeEach(() => void (elsewhere = mkdtempSync(join(tmpdir(), 'larder-other-box-'))));
afterEach(() => rmSync(elsewhere, { recursive: true }));

const KEYLESS = join(import.meta.dirname, 'test-app/keyless.ts');
const ONLINE: Deed = { type: 'link', state: 'online' };
const OFFLINE: Deed = { type: 'link', state: 'offline' };

interface Day {
  /** What comes before, with the link as it will be; gives what the back is in the middle of as it dies. */
  before(): Promise<Deed>;
  options?(): Partial<BackOptions>;
  /** After the next start, still cut off, and what a person does again who had no answer. */
  after?(committed: boolean): Promise<void> | void;
  /** Once all is well. Without it, all that waited is in the cloud, once. */
  end?(): Promise<void> | void;
}

/** An order for a document that is there, and one for a document that waits to be made; cut off. */
async function fill(): Promise<void> {
  await edge.openComplete();
  edge.back.link('offline', false);
  await edge.order('k1', 'a', 2);
  const id = await edge.make('k2', 'a new one');
  await edge.order('k3', id, 4);
}

/** The same, exported, with `elsewhere` in place of the box that had it. */
async function exported(): Promise<string> {
  await fill();
  return exportQueue(edge.data).text;
}

const imported: Pick<Day, 'before' | 'options'> = {
  async before() {
    importQueue(elsewhere, await exported());
    return OFFLINE;
  },
  options: () => ({ data: elsewhere }),
};

/** A person who has no answer to the command gives it again. */
const importing: Day = {
  before: async () => ({ type: 'import', text: await exported() }),
  options: () => ({ data: elsewhere }),
  async after(committed) {
    await edge.back.stop();
    const { text } = exportQueue(edge.data);
    expect(importQueue(elsewhere, text)).toMatchObject(committed ? { known: 3 } : { entries: 3 });
    await edge.open({ data: elsewhere });
  },
};

const DAYS: Record<BackStep, Day> = {
  schema: { ...importing, after: () => importing.after?.(false) },
  import: importing,
  tables: imported,
  imported,
  restart: {
    async before() {
      await fill();
      edge.cloud.mood = 'silent';
      edge.back.link('online', false);
      await until('one is on its way', () => edge.cloud.arrived.length > 0);
      await edge.back.stop();
      edge.cloud.mood = 'well';
      return OFFLINE;
    },
  },
  left: {
    async before() {
      edge.cloud.keepsKeys = false;
      await edge.openComplete({ profile: KEYLESS });
      edge.back.link('offline', false);
      await edge.edit('k1', 'a', { name: 'renamed' });
      edge.cloud.mood = 'lose-answers';
      return ONLINE;
    },
    options: () => ({ profile: KEYLESS }),
    after: () => void (edge.cloud.mood = 'well'),
    async end() {
      await until('a person is asked', () => edge.back.status.queue.inbox === 1);
      // Never sent again.
      expect(edge.cloud.arrived).toHaveLength(1);
      expect(edge.cloud.articles.get('a')).toMatchObject({ name: 'renamed' });
    },
  },
  mended: {
    async before() {
      await fill();
      rot();
      return { type: 'audit' };
    },
    async after(committed) {
      edge.back.link('online', false);
      await edge.complete();
      expect(await drift()).toBe(committed ? 0 : 1);
    },
  },
  audited: {
    async before() {
      await fill();
      return { type: 'audit' };
    },
    after(committed) {
      const { last } = edge.back.status.replica.audit;
      expect(last === null).toBe(!committed);
    },
  },
  counted: {
    async before() {
      await fill();
      edge.cloud.setArticle('f', { name: 'article f', qty: 100 });
      return ONLINE;
    },
    async end() {
      const counted = () => edge.back.status.replica.resources['articles']?.documents;
      await until('they are counted', () => counted() === edge.cloud.articles.size);
    },
  },
  'signed-in': {
    async before() {
      edge.cloud.rejected.add('Bearer ann');
      await edge.openComplete({ credential: null });
      await edge.order('k1', 'a', 2, 100);
      await until('it was refused for its credential', () => edge.cloud.arrived.length > 0);
      edge.back.link('offline', false);
      return { type: 'sign-in', user: 'ann', authorization: 'Bearer ann#2' };
    },
    options: () => ({ credential: null }),
    async after(committed) {
      if (!committed) edge.back.signedIn('ann', 'Bearer ann#2', {});
    },
    async end() {
      await edge.drained();
      expect(edge.cloud.articles.get('a')?.['qty']).toBe(98);
      edge.cloud.rejected.clear();
    },
  },
  state: {
    async before() {
      await fill();
      return { type: 'state', key: 'who', value: 'Ann' };
    },
    async after(committed) {
      expect(await edge.back.state.get('who')).toBe(committed ? 'Ann' : undefined);
    },
  },
};

/** A base is not what the cloud has, as a fault of ours or of the disk would leave it. */
function rot(): void {
  const db = new DatabaseSync(join(edge.data, 'edge.db'));
  db.exec(`PRAGMA busy_timeout = 5000;
    UPDATE "doc:articles" SET base = json_set(base, '$.name', 'rotten'), view = json_set(view, '$.name', 'rotten')
    WHERE id = 'b'`);
  db.close();
}

async function drift(): Promise<number | undefined> {
  const run = await edge.back.audit();
  const status = () => edge.back.status.replica.audit;
  await until('the audit has ended', () => status().run === run && status().running === null);
  return status().last?.drifted;
}

async function allOnce(): Promise<void> {
  await edge.drained();
  expect([...edge.cloud.orders.values()].map(({ article, qty }) => [article, qty])).toEqual([
    ['a', 2],
    ['made-1', 4],
  ]);
  for (const [id, article] of edge.cloud.articles) {
    await until(`${id} is here`, async () => (await edge.read(`/articles/${id}`))?.status === 200);
    expect((await edge.read(`/articles/${id}`))?.body).toEqual(article);
  }
}

const cases = BACK_STEPS.flatMap((step) =>
  (['uncommitted', 'committed'] as const).map((when) => [`${step}:${when}`, step, when] as const),
);

describe('I2, I12: a back that is killed', () => {
  test.each(cases)('at %s mends itself, and nothing is lost or done twice', async (point, step, when) => {
    const { before, options = () => ({}), after, end = allOnce } = DAYS[step];
    const deed = await before();
    await dieAt(edge, point, deed, options());
    await edge.open(options());
    await after?.(when === 'committed');
    edge.back.link('online', false);
    await edge.complete();
    await end();
    expect(await edge.order('afterwards', 'd', 1, PATIENT)).toMatchObject({ type: 'cloud' });
  });

  test('a change outside of a step does not come about', async () => {
    await edge.openComplete();
    const { openWriter, transaction } = await import('./database.ts');
    const db = openWriter(elsewhere);
    const put = () => db.exec("INSERT INTO meta (name, value) VALUES ('a', 'b')");
    expect(put).toThrow(/readonly/);
    transaction(db, 'state', put);
    expect(put).toThrow(/readonly/);
    db.close();
  });
});
