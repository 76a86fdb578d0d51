import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database } from '../db/open.ts';
import { type Ask, type Cloud, startCloud } from '../test-cloud.ts';

interface Event {
  name: string;
  id: string;
  page: { epoch: string; data: Doc[]; page: { next: string; more: boolean } };
}

describeBothDatabases('The live feed', (databases) => {
  let database: Database;
  let cloud: Cloud;
  let clerk: Ask;
  const streams: AbortController[] = [];

  beforeAll(async () => {
    database = await databases.make();
    cloud = await startCloud(database);
    clerk = await cloud.as('clerk');
  });
  afterAll(async () => {
    for (const stream of streams) stream.abort();
    await cloud.close();
  });

  const sale = { storeId: 'S001', lines: [{ productId: 'p1', qty: 1, unitPrice: 5 }] };
  const sell = (key: string) => clerk('/sales', { method: 'POST', body: sale, headers: { 'idempotency-key': key } });

  async function* follow(path: string, headers: Record<string, string> = {}, url = cloud.url): AsyncGenerator<Event> {
    const stop = new AbortController();
    streams.push(stop);
    const response = await fetch(`${url}/api/v1/changes/live${path}`, {
      headers: { authorization: 'Bearer edge_test_S001', ...headers },
      signal: stop.signal,
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    let text = '';
    // A 200 has a body.
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
        yield { name: field('event'), id: field('id'), page: JSON.parse(field('data')) as Event['page'] };
      }
    }
  }

  /** The first event that has changes. */
  async function changed(events: AsyncGenerator<Event>): Promise<Event> {
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) throw new Error('the stream ended');
      if (value.page.data.length > 0) return value;
    }
  }
  const keysIn = ({ page }: Event) =>
    page.data.filter(({ type }) => type === 'marker').map(({ cause }) => (cause as Doc).key);

  /** The least of a few measurements, ms: a busy machine delays some of them, a fault all. */
  async function least(measure: (at: number) => Promise<unknown>): Promise<number> {
    const taken: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      const begun = performance.now();
      await measure(at);
      taken.push(performance.now() - begun);
    }
    return Math.min(...taken);
  }

  test('sends what is behind, then what comes, at once', async () => {
    const start = await cloud.end();
    await sell('live-behind');
    const events = follow(`?after=${start}`);
    const behind = await changed(events);
    expect(behind.name).toBe('changes');
    expect(behind.id).toBe(behind.page.page.next);
    expect(keysIn(behind)).toEqual(['live-behind']);
    const waited = await least(async (at) => {
      await sell(`live-now-${at}`);
      expect(keysIn(await changed(events))).toEqual([`live-now-${at}`]);
    });
    // Woken, not found by the next idle look.
    expect(waited).toBeLessThan(1400);
  });

  test('says where it is while nothing happens', async () => {
    const events = follow(`?after=${await cloud.end()}`);
    const ids: string[] = [];
    const begun = performance.now();
    for (let at = 0; at < 3; at += 1) {
      const { value } = (await events.next()) as { value: Event };
      expect(value.page.data).toEqual([]);
      ids.push(value.id);
    }
    expect(performance.now() - begun).toBeGreaterThan(1000);
    expect(new Set(ids).size).toBe(1);
  });

  test('goes on after the last event that a follower has, without a gap', async () => {
    const start = await cloud.end();
    await sell('live-1');
    const { id } = await changed(follow(`?after=${start}`));
    await sell('live-2');
    const again = follow(`?after=${start}`, { 'last-event-id': id });
    expect(keysIn(await changed(again))).toEqual(['live-2']);
  });

  test('is woken by what another process commits', async () => {
    const other = await startCloud(database);
    const events = follow(`?after=${await cloud.end()}`, {}, other.url);
    await events.next();
    await sell('live-elsewhere');
    expect(keysIn(await changed(events))).toEqual(['live-elsewhere']);
    await other.close();
  });

  test('refuses before it begins', async () => {
    const refused = async (path: string, headers: Record<string, string>) =>
      (await cloud.ask(`/changes/live${path}`, { headers })).body.code;
    const authorization = 'Bearer edge_test_S001';
    expect(await refused('', {})).toBe('unauthenticated');
    expect(await refused('?after=nonsense', { authorization })).toBe('cursor-unknown');
    expect(await refused('?store=S002', { authorization })).toBe('other-store');
  });

  test('ends when the credential is withdrawn', async () => {
    const events = follow('', { authorization: 'Bearer edge_test_S002' });
    await events.next();
    await database.prisma.edge.update({ where: { id: 'e-S002' }, data: { active: false } });
    for await (const { page } of events) expect(page.data).toEqual([]);
    expect((await cloud.edge('S002')('/changes')).status).toBe(401);
  });

  test('lets go of followers who have left', async () => {
    for (const stream of streams) stream.abort();
    await expect.poll(() => cloud.services.feed.followers, { timeout: 30_000 }).toBe(0);
  });

  test('ends with the server, at once', async () => {
    const taken = await least(async () => {
      const other = await startCloud(database);
      await follow('', {}, other.url).next();
      await other.close();
    });
    expect(taken).toBeLessThan(1400);
  });
});
