/**
 * The app behind that profile: a real HTTP server that keeps each key's result and streams its changes, and that can be
 * told to fail in the ways that real ones do.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hashOf } from './digest.ts';
import type { Batch, Cause, Change, Doc, Json } from '../profile.ts';

/** What happens to the next writes: answered; done, with the answer lost; 503 from the app; nothing at all; come back in 10 min. */
export type Mood = 'well' | 'lose-answers' | 'crash' | 'silent' | 'portal' | 'busy';

/** A name that the app forbids, one that its profile cannot send, and one whose answer its profile cannot read. */
export const FORBIDDEN = 'forbidden';
export const UNSENDABLE = 'unsendable';
export const UNREADABLE = 'unreadable';

interface Result {
  status: number;
  body: Doc;
}

interface Seen extends Result {
  /** Method and path that the key stands for. */
  what: string;
}

interface Backup {
  epoch: string;
  articles: Map<string, Doc>;
  orders: Map<string, Doc>;
  seen: Map<string, Seen>;
  changes: Placed[];
}

/** Each change has a nonce: one that a restored cloud makes in its place has another. */
type Placed = Change & { nonce: string };

export class TestCloud {
  mood: Mood = 'well';
  epoch = 'e1';
  /** Each key's result is kept, and said in the feed; else the same request twice is done twice. */
  keepsKeys = true;
  /** The feed stands still: what happens meanwhile is told once it goes on. */
  feedHeld = false;
  /** The feed answers 503. */
  feedDown = false;
  feedAsked = 0;
  /** Its time, ms since 1970. */
  clock: () => number = Date.now;
  /** Changes on a page, and pages before the feed is down. */
  pageSize = Infinity;
  pagesLeft = Infinity;
  /** Pages of lists before they answer 503, and those that were asked for. */
  listsLeft = Infinity;
  readonly walked: string[] = [];
  /** Lists of a resource are made only after this; and how many were asked for by then. */
  listsAfter: { path: string; go: Promise<void> } | null = null;
  listsHeld = 0;
  /** References that were looked for, answered or not. */
  readonly lookedFor: string[] = [];
  /** Articles that lists leave out, though they are there. */
  readonly hidden = new Set<string>();
  /** The app's clock, coarse: what changes between two ticks has equal time stamps. */
  tick = 1;
  /** Polls answer 503. */
  pollsDown = false;
  /** Lists have digests. */
  digests = false;
  /** Answers to writes wait for this. */
  answerAfter: Promise<void> = Promise.resolve();
  /** The starts that were the edge's current one, in order; and what is answered instead. */
  readonly starts: { id: string; box: string; at: string }[] = [];
  startsStatus = 200;
  startsTold = 0;
  readonly articles = new Map<string, Doc>();
  readonly orders = new Map<string, Doc>();
  /** Writes that arrived, effect or not. */
  readonly arrived: {
    method: string;
    path: string;
    search: string;
    key: string;
    authorization: string;
    actingFor: string;
  }[] = [];
  /** Authorization values that are not accepted. */
  readonly rejected = new Set<string>();
  readonly #server: Server;
  readonly #seen = new Map<string, Seen>();
  #changes: Placed[] = [];
  #salt = 0;
  /** So many of the changes are forgotten. */
  #pruned = 0;
  readonly #live = new Set<{ response: ServerResponse; at: number }>();
  readonly #stamps = new Map<string, number>();
  /** The versions of removed articles: what is made again counts on. */
  readonly #removed = new Map<string, number>();
  #created = 0;
  #transactions = 0;
  readonly #idle: NodeJS.Timeout;

  constructor() {
    // A request that breaks off in its middle has no effect, and nobody to answer.
    this.#server = createServer((request, response) => this.#serve(request, response).catch(() => response.destroy()));
    this.#idle = setInterval(() => this.#publish(true), 500);
  }

  async listen(): Promise<URL> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#idle);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Someone else, elsewhere, changes an article. */
  setArticle(id: string, fields: Doc): void {
    this.#begin();
    this.#put('articles', id, fields, null);
    this.#publish(false);
  }

  /** The same of many articles, each in a transaction of its own, told on one page. */
  setArticles(changes: readonly { id: string; fields: Doc }[]): void {
    for (const { id, fields } of changes) {
      this.#begin();
      this.#put('articles', id, fields, null);
    }
    this.#publish(false);
  }

  #begin(): void {
    this.#transactions += 1;
  }

  get #tx(): string {
    return `t${this.#transactions}`;
  }

  removeArticle(id: string): void {
    const version = Number(this.articles.get(id)?.['version']) + 1;
    this.articles.delete(id);
    this.#removed.set(id, version);
    this.#begin();
    this.#note({ type: 'remove', resource: 'articles', id, version, cause: null, tx: this.#tx });
    this.#publish(false);
  }

  /** All that the app knows, as a backup has it. */
  backup(): Backup {
    const { epoch, articles, orders } = this;
    return structuredClone({ epoch, articles, orders, seen: this.#seen, changes: this.#changes });
  }

  /** That backup is put back; keys and epoch are what they were, and positions will be given again. */
  putBack({ epoch, articles, orders, seen, changes }: Backup): void {
    const replace = <V>(mine: Map<string, V>, theirs: Map<string, V>) => {
      mine.clear();
      for (const [key, value] of theirs) mine.set(key, value);
    };
    this.epoch = epoch;
    replace(this.articles, articles);
    replace(this.orders, orders);
    replace(this.#seen, seen);
    this.#changes = changes;
    this.#salt += 1;
    for (const { response } of this.#live) response.destroy();
  }

  /** Changes are kept for a limited time: those made so far are forgotten, though nothing that they did is. */
  prune(): void {
    this.#pruned = this.#changes.length;
    for (const { response } of this.#live) response.destroy();
  }

  /** The cloud's database is put back to an earlier state: its history is another one now. */
  restore(articles: Doc[]): void {
    this.articles.clear();
    this.orders.clear();
    for (const article of articles) this.articles.set(String(article['id']), article);
    this.#changes = [];
    this.epoch = `${this.epoch}-restored`;
    for (const { response } of this.#live) response.destroy();
  }

  #put(resource: 'articles' | 'orders', id: string, fields: Doc, cause: Cause | null): Doc {
    const known = this[resource].get(id);
    const version = Number(known?.['version'] ?? this.#removed.get(id) ?? 0) + 1;
    const doc = { ...known, ...fields, id, version };
    this[resource].set(id, doc);
    this.#stamps.set(`${resource}/${id}`, this.tick);
    this.#note({ type: 'put', resource, id, version: doc.version, doc, cause, tx: this.#tx });
    return doc;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://cloud');
    if (this.mood === 'portal') return void response.end('<html>Please sign in to the hotel network</html>');
    response.setHeader('test-app', 'yes');
    response.setHeader('date', new Date(this.clock()).toUTCString());
    if (url.pathname === '/changes/live') return this.#stream(url, response);
    if (request.method === 'GET') {
      if (url.pathname === this.listsAfter?.path) await this.#held(this.listsAfter.go);
      return this.#json(response, ...this.#get(url));
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (url.pathname === '/starts')
      return this.#json(response, this.startsStatus, this.#start(JSON.parse(body) as Doc));
    await this.#write(request, url, JSON.parse(body) as Doc, response);
  }

  async #held(go: Promise<void>): Promise<void> {
    this.listsHeld += 1;
    await go;
  }

  #start(start: Doc): unknown {
    this.startsTold += 1;
    if (this.startsStatus !== 200) return { code: 'not-found' };
    const { id, box, previous, takeOver } = start as { id: string; box: string; previous: string[]; takeOver: boolean };
    const last = this.starts.at(-1);
    if (last === undefined || takeOver || previous.includes(last.id))
      if (last?.id !== id) this.starts.push({ id, box, at: new Date(this.clock()).toISOString() });
    const current = this.starts.at(-1);
    if (current?.id === id) return { standing: 'current', current };
    return { standing: this.starts.some((each) => each.id === id) ? 'superseded' : 'fork', current };
  }

  #json(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #get(url: URL): [number, unknown] {
    const after = url.searchParams.get('after');
    if (url.pathname === '/changes') return this.#page(after);
    const ref = url.searchParams.get('ref');
    if (ref !== null) this.lookedFor.push(ref);
    if (this.listsLeft <= 0) return [503, { code: 'unavailable' }];
    if (ref !== null) return this.#withRef(ref);
    this.listsLeft -= 1;
    if (url.searchParams.has('keys') || url.searchParams.has('since')) return this.#polled(url);
    this.walked.push(url.pathname);
    const ids = url.searchParams.get('ids')?.split(',');
    const docs = [...(url.pathname === '/articles' ? this.articles : this.orders).values()]
      .filter(
        ({ id }) =>
          ids?.includes(String(id)) ?? ((after === null || String(id) > after) && !this.hidden.has(String(id))),
      )
      .sort((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
    if (ids !== undefined) return [200, { data: docs, next: null }];
    const data = docs.slice(0, 3);
    const through = data.length === 0 ? null : String(data.at(-1)?.['id']);
    const next = docs.length > 3 ? through : null;
    if (!url.searchParams.has('digest')) return [200, { data, next }];
    return this.digests ? [200, { hash: hashOf(data), through, next }] : [404, { code: 'not-found' }];
  }

  #withRef(ref: string): [number, unknown] {
    return [200, { data: [...this.orders.values()].filter((order) => order['ref'] === ref), next: null }];
  }

  /** For those who poll: pages of two of the documents changed since a tick, or of keys. */
  #polled(url: URL): [number, unknown] {
    if (this.pollsDown) return [503, { code: 'unavailable' }];
    const [since, after] = [url.searchParams.get('since'), url.searchParams.get('after') ?? ''];
    const resource = url.pathname.slice(1) as 'articles' | 'orders';
    const isNew = (id: string) =>
      url.searchParams.has('keys') || (since !== '' && (this.#stamps.get(`${resource}/${id}`) ?? 0) >= Number(since));
    const ids = [...this[resource].keys()].filter((id) => id > after && isNew(id)).sort();
    const page = { next: ids.length > 2 ? ids[1] : null, mark: String(this.tick) };
    const some = ids.slice(0, 2);
    if (url.searchParams.has('keys')) return [200, { ids: some, ...page }];
    return [200, { data: some.map((id) => this[resource].get(id)), ...page }];
  }

  /** A place: after that many changes, the last of which has this nonce. */
  #cursor(position: number): string {
    const last = position === 0 ? '' : (this.#changes[position - 1]?.nonce ?? 'unknown');
    return `${position}.${last}.${this.epoch}`;
  }

  #note(change: Change): void {
    this.#changes.push({ ...change, nonce: `${this.#salt}n${this.#changes.length}` });
  }

  #page(after: string | null): [number, Batch | Doc] {
    const [position] = (after ?? this.#cursor(this.#changes.length)).split('.');
    const isKnown = after === null || (after === this.#cursor(Number(position)) && Number(position) >= this.#pruned);
    if (!isKnown) return [410, { code: 'cursor-unknown' }];
    this.feedAsked += 1;
    if (this.feedDown || this.pagesLeft <= 0) return [503, { code: 'unavailable' }];
    if (after !== null) this.pagesLeft -= 1;
    const length = this.feedHeld ? Number(position) : this.#changes.length;
    const end = Math.min(length, Number(position) + this.pageSize);
    const changes = this.#changes.slice(Number(position), end);
    return [200, { epoch: this.epoch, changes, cursor: this.#cursor(end), more: end < length }];
  }

  #stream(url: URL, response: ServerResponse): void {
    const [status, page] = this.#page(url.searchParams.get('after'));
    if (status !== 200) return this.#json(response, status, page);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify(page)}\n\n`);
    const listener = { response, at: Number((page as Batch).cursor.split('.')[0]) };
    this.#live.add(listener);
    response.on('close', () => this.#live.delete(listener));
  }

  #publish(idle: boolean): void {
    for (const listener of this.#live) {
      if (!idle && listener.at === this.#changes.length) continue;
      const [status, page] = this.#page(this.#cursor(listener.at));
      if (status !== 200) continue;
      listener.at = Number((page as Batch).cursor.split('.')[0]);
      listener.response.write(`event: changes\ndata: ${JSON.stringify(page)}\n\n`);
    }
  }

  async #write(request: IncomingMessage, url: URL, body: Doc, response: ServerResponse): Promise<void> {
    const header = (name: string) => String(request.headers[name] ?? '');
    const key = header('idempotency-key');
    const authorization = header('authorization');
    const actingFor = header('acting-for');
    this.arrived.push({
      method: request.method ?? '',
      path: url.pathname,
      search: url.search,
      key,
      authorization,
      actingFor,
    });
    await this.answerAfter;
    if (this.mood === 'silent') return;
    if (this.mood === 'busy') {
      response.setHeader('retry-after', '600');
      return this.#json(response, 429, { code: 'throttled' });
    }
    if (this.mood === 'crash') return this.#json(response, 503, { code: 'crashed' });
    if (this.rejected.has(authorization)) return this.#json(response, 401, { code: 'unauthenticated' });
    const user = actingFor === '' ? (authorization.replace('Bearer ', '').split('#')[0] ?? '') : actingFor;
    const known = this.keepsKeys ? this.#seen.get(`${user} ${key}`) : undefined;
    const what = `${request.method} ${url.pathname}`;
    if (known !== undefined && known.what !== what) return this.#json(response, 422, { code: 'key-mismatch' });
    const seen = known ?? { what, ...this.#effect(request.method ?? '', url.pathname, body, { user, key }) };
    this.#seen.set(`${user} ${key}`, seen);
    if (this.mood === 'lose-answers') return void response.destroy();
    if (known !== undefined) response.setHeader('replayed', 'yes');
    this.#json(response, seen.status, seen.body);
    this.#publish(false);
  }

  /** A write that reaches the app by another way than this edge. */
  writeDirectly(method: string, path: string, body: Doc, cause: Cause): void {
    const what = `${method} ${path}`;
    this.#seen.set(`${cause.user} ${cause.key}`, { what, ...this.#effect(method, path, body, cause) });
    this.#publish(false);
  }

  #effect(method: string, path: string, body: Doc, cause: Cause): Result {
    if (!this.keepsKeys) return this.#take(method, path, body, null);
    this.#begin();
    const seen = this.#take(method, path, body, cause);
    this.#note({ type: 'marker', cause, tx: this.#tx });
    return seen;
  }

  #take(method: string, path: string, body: Doc, cause: Cause | null): Result {
    if (method === 'POST' && path === '/orders') {
      if (body['note'] === FORBIDDEN) return { status: 403, body: { code: 'forbidden' } };
      const article = this.articles.get(String(body['article']));
      if (article !== undefined)
        this.#put('articles', String(article['id']), { qty: Number(article['qty']) - Number(body['qty']) }, cause);
      const id = this.keepsKeys ? String(body['id']) : `order-${this.orders.size + 1}`;
      return { status: 201, body: this.#put('orders', id, body, cause) };
    }
    if (method === 'POST') {
      if (body['name'] === FORBIDDEN) return { status: 403, body: { code: 'forbidden' } };
      this.#created += 1;
      return { status: 201, body: this.#put('articles', `made-${this.#created}`, { qty: 0, ...body }, cause) };
    }
    const id = path.split('/')[2] ?? '';
    const article = this.articles.get(id);
    if (article === undefined) return { status: 404, body: { code: 'not-found' } };
    if (method === 'DELETE') {
      this.removeArticle(id);
      return { status: 200, body: { id } };
    }
    const { saw, ...fields } = body;
    if (fields['name'] === FORBIDDEN) return { status: 403, body: { code: 'forbidden', title: 'You may not.' } };
    const conflicts = conflictsOf(article, fields, (saw ?? {}) as Doc);
    if (conflicts.length > 0) return { status: 409, body: { code: 'conflict', conflicts } };
    const doc = this.#put('articles', id, fields, cause);
    return { status: 200, body: body['name'] === UNREADABLE ? { ...doc, code: UNREADABLE } : doc };
  }
}

/** Fields that are neither as their editor saw them nor as they are wanted. */
const conflictsOf = (article: Doc, fields: Doc, saw: Doc) =>
  Object.entries(fields)
    .map(([field, wanted]) => ({ field, saw: saw[field], current: article[field] ?? null, wanted }))
    .filter((each): each is typeof each & { saw: Json } => each.saw !== undefined)
    .filter(({ saw: seen, current, wanted }) => current !== seen && current !== wanted);
