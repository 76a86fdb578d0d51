/** The back of an edge in front of the test app's cloud, fresh for every test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { startBack, type Accepted, type Answer, type Back, type BackOptions, type Call } from '../client.ts';
import type { Doc } from '../profile.ts';
import { TestCloud } from './cloud.ts';

/** Of a caller who waits for the cloud's answer for longer than a slow machine takes, ms. */
export const PATIENT = 60_000;

const PROFILE = join(import.meta.dirname, 'profile.ts');

export class TestEdge {
  cloud!: TestCloud; // set before each test, as are the others
  back!: Back;
  data!: string;
  origin!: URL;

  async begin(): Promise<void> {
    this.cloud = new TestCloud();
    this.origin = await this.cloud.listen();
    this.data = mkdtempSync(join(tmpdir(), 'larder-back-'));
    for (const id of ['a', 'b', 'c', 'd', 'e']) this.cloud.setArticle(id, { name: `article ${id}`, qty: 100 });
  }

  async end(): Promise<void> {
    await this.back.stop();
    await this.cloud.close();
    rmSync(this.data, { recursive: true });
  }

  async open(changes: Partial<BackOptions> = {}): Promise<Back> {
    this.back = await startBack(this.options(changes));
    return this.back;
  }

  options(changes: Partial<BackOptions> = {}): BackOptions {
    return {
      data: this.data,
      profile: PROFILE,
      cloud: this.origin,
      store: 'S1',
      credential: 'Bearer edge',
      sealKey: new Uint8Array(32).fill(7),
      maxQueue: 1000,
      maxQueueBytes: 100_000_000,
      minFreeBytes: 0,
      stallAfter: 60_000,
      keepSettled: 80 * 24 * 3600 * 1000,
      connectTimeout: 500,
      answerTimeout: 1500,
      auditSchedule: null,
      ...changes,
    };
  }

  /** Started, with all of the cloud's documents, the link up. */
  async openComplete(changes: Partial<BackOptions> = {}): Promise<void> {
    await this.open(changes);
    this.back.link('online', false);
    await this.complete();
  }

  call(method: string, path: string, body: Doc, key: string, { user = 'ann', patience = 0 } = {}): Promise<Accepted> {
    return this.back.accept(callOf(method, path, body, key, user), { patience });
  }

  order(key: string, article = 'a', qty = 1, patience = 0): Promise<Accepted> {
    return this.call('POST', '/orders', { article, qty }, key, { patience });
  }

  edit(key: string, id: string, fields: Doc, patience = 0): Promise<Accepted> {
    return this.call('PATCH', `/articles/${id}`, fields, key, { patience });
  }

  /** Makes an article whose id the app chooses; returns the temporary one. */
  async make(key: string, name: string): Promise<string> {
    const { answer } = await this.call('POST', '/articles', { name }, key);
    return String(bodyOf(answer)['id']);
  }

  async read(path: string): Promise<{ status: number; body: Doc } | null> {
    const [plain = '', query] = path.split('?');
    const call = callOf('GET', plain, null, '', 'ann');
    const found = await this.back.read({ ...call, search: query === undefined ? '' : `?${query}` });
    return found === null ? null : { status: found.answer.status, body: bodyOf(found.answer) };
  }

  async quantity(id = 'a'): Promise<unknown> {
    return (await this.read(`/articles/${id}`))?.body['qty'];
  }

  complete(): Promise<void> {
    return until(
      'the replica is complete',
      () => this.back.status.replica.complete && this.back.status.replica.feed.live,
    );
  }

  drained(): Promise<void> {
    return until(
      'the queue is empty and the base contains it all',
      () => this.back.status.queue.length === 0 && !this.back.tags.pending(['orders', 'articles']),
    );
  }
}

/** Registers an edge that begins and ends with each test of the file. */
export function useEdge(): TestEdge {
  const edge = new TestEdge();
  beforeEach(() => edge.begin());
  afterEach(() => edge.end());
  return edge;
}

const bodyOf = (answer: Answer) => JSON.parse(answer.body) as Doc;

const callOf = (method: string, path: string, body: Doc | null, key: string, user: string): Call => ({
  method,
  path,
  search: '',
  headers: { authorization: `Bearer ${user}`, 'content-type': 'application/json', 'idempotency-key': key },
  body: body === null ? null : JSON.stringify(body),
  claims: { sub: user.split('#')[0] ?? '' },
  // `ann#2` is Ann with another token.
  user: { id: user.split('#')[0] ?? '', store: 'S1' },
});

/** Waits until a condition holds; fails after a bound that only a fault can reach. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 45_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
