/**
 * The test app's cloud for tests against a model: in memory, and it answers nothing before it is told to, so that a test
 * decides in which order, how, and whether at all.
 */
import type { Answer } from '../client.ts';
import { UnexpectedAnswer } from '../cloud.ts';
import { CloudFault } from '../fault.ts';
import type { Ask, Batch, Cause, Change, Doc, Req } from '../profile.ts';
import { FORBIDDEN } from './cloud.ts';

/** What becomes of a request that has reached the cloud, or has not. */
export const ENDINGS = [
  /** Worked on and answered. */
  'answered',
  /** Refused for good, and answered. */
  'refused',
  /** Worked on; the answer was lost. */
  'answer-lost',
  /** On its way; the edge has given it up, and it may still arrive. */
  'given-up',
  /** No byte of it left the box. */
  'not-sent',
  'throttled',
  'identity',
  'in-flight',
  'crashed',
] as const;
export type Ending = (typeof ENDINGS)[number];

interface Request {
  cause: Cause;
  method: string;
  path: string;
  body: Doc;
}

interface Sending extends Request {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

interface Result {
  status: number;
  body: Doc;
}

/** What the edge asks on its own account, and has no answer to yet. */
interface Asking {
  path: string;
  /** Made, and still on its way: as the cloud was then. */
  made: Answer | null;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** What becomes of a question that waits. `made`: answered by the cloud as it is now, and told later. */
export const FATES = ['answered', 'made', 'failed', 'cut'] as const;
export type AskFate = (typeof FATES)[number];

/** All that the cloud knows. */
export interface Backup {
  results: Map<string, Result>;
  changes: Placed[];
  ends: number[];
  docs: { articles: Map<string, Doc>; orders: Map<string, Doc> };
}

/** Each change has a nonce: one that a restored cloud makes in its place has another. */
type Placed = Change & { nonce: number };

const nameOf = ({ user, key }: Cause) => `${user} ${key}`;
const json = (status: number, body: object, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: JSON.stringify(body),
});

const UNDECIDED: Partial<Record<Ending, [status: number, code: string]>> = {
  throttled: [429, 'throttled'],
  identity: [401, 'unauthenticated'],
  'in-flight': [409, 'in-flight'],
  crashed: [503, 'crashed'],
};

export class ModelCloud {
  /** What each key came to, once and for all. */
  results = new Map<string, Result>();
  changes: Placed[] = [];
  /** Requests that wait for their ending. */
  sendings: Sending[] = [];
  /** Answers to writes that are on their way. */
  answers: (() => void)[] = [];
  /** Questions wait in `asks`; else each is answered at once. */
  holdsAsks = false;
  asks: Asking[] = [];
  /** Transactions on a page of the feed. */
  pageSize = Infinity;
  /** Requests that nobody waits for any more, and that may still arrive. */
  #strays: Request[] = [];
  /** Called as a write arrives, before anything comes of it. */
  arrived: (cause: Cause, bytes: string) => void = () => undefined;
  #docs = { articles: new Map<string, Doc>(), orders: new Map<string, Doc>() };
  /** Where each transaction ends in `changes`. */
  #ends: number[] = [];
  #nonce = 0;
  /** One more with each time that a backup was put back: streams from before are broken. */
  #restored = 0;
  #idled = 0;
  /** How much of `changes` the feed has told. */
  #told = 0;
  #wake: () => void = () => undefined;
  #made = 0;

  /** Someone elsewhere sets an article's fields, or deletes it. */
  setArticle(id: string, fields: Doc | null): void {
    const whole = this.#docs.articles.has(id) ? {} : { name: id, qty: 0 };
    if (fields !== null) this.#put('articles', id, { ...whole, ...fields }, null);
    else if (this.#docs.articles.delete(id))
      this.#note({ type: 'remove', resource: 'articles', id, version: this.changes.length + 1, cause: null });
    this.#ends.push(this.changes.length);
  }

  #note(change: Change): void {
    this.#nonce += 1;
    this.changes.push({ ...change, nonce: this.#nonce });
  }

  backup(): Backup {
    return structuredClone({ results: this.results, changes: this.changes, ends: this.#ends, docs: this.#docs });
  }

  /** What was done since then is lost, here; answers that are on their way still come. */
  putBack(backup: Backup): void {
    const { results, changes, ends, docs } = structuredClone(backup);
    [this.results, this.changes, this.#ends, this.#docs] = [results, changes, ends, docs];
    this.#told = changes.length;
    this.#restored += 1;
    this.#wake();
  }

  article(id: string): Doc | undefined {
    return this.#docs.articles.get(id);
  }

  /** The feed tells the next so many transactions. */
  tell(transactions: number): void {
    const next = this.#ends.filter((end) => end > this.#told).slice(0, transactions);
    this.#told = next.at(-1) ?? this.#told;
    this.#wake();
  }

  /** The stream says that nothing has changed. */
  idle(): void {
    this.#idled += 1;
    this.#wake();
  }

  /** Ends the n-th request that waits. */
  end(n: number, ending: Ending): void {
    const sending = this.sendings[n % Math.max(1, this.sendings.length)];
    if (sending === undefined) return;
    this.sendings = this.sendings.filter((each) => each !== sending);
    const undecided = UNDECIDED[ending];
    if (undecided !== undefined) return sending.resolve(json(undecided[0], { code: undecided[1] }));
    if (ending === 'not-sent') return sending.reject(new CloudFault('refused', false));
    if (ending === 'given-up') {
      this.#strays.push(sending);
      return sending.reject(new CloudFault('silent', true));
    }
    const known = this.results.has(nameOf(sending.cause));
    const { status, body } = this.#result(sending, ending === 'refused');
    if (ending === 'answer-lost') return sending.reject(new CloudFault('reset', true));
    sending.resolve(json(status, body, known ? { replayed: 'yes' } : {}));
  }

  /** Works on the n-th request that waits; its answer comes with `deliver`. */
  answerLate(n: number): void {
    const sending = this.sendings[n % Math.max(1, this.sendings.length)];
    if (sending === undefined) return;
    this.sendings = this.sendings.filter((each) => each !== sending);
    const known = this.results.has(nameOf(sending.cause));
    const { status, body } = this.#result(sending, false);
    this.answers.push(() => sending.resolve(json(status, body, known ? { replayed: 'yes' } : {})));
  }

  /** All answers that are on their way to writes come. */
  deliver(): void {
    for (const answer of this.answers.splice(0)) answer();
  }

  /** A request that was given up arrives after all. */
  arriveLate(n: number): void {
    const stray = this.#strays[n % Math.max(1, this.#strays.length)];
    this.#strays = this.#strays.filter((each) => each !== stray);
    if (stray !== undefined) this.#result(stray, false);
  }

  /** The edge has died: nobody waits for what is under way. */
  abandon(): void {
    this.#strays.push(...this.sendings);
    this.sendings = [];
    this.answers = [];
    this.asks = [];
    this.#wake();
  }

  resultOf(cause: Cause): Result | undefined {
    return this.results.get(nameOf(cause));
  }

  /** As `Cloud.send`. */
  readonly send = (req: Req, body: string | null): Promise<Answer> => {
    const { method, path, headers } = req;
    const { authorization = '', 'acting-for': actingFor, 'idempotency-key': key = '' } = headers;
    const cause = { user: actingFor ?? authorization.replace('Bearer ', ''), key };
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.arrived(cause, `${method} ${path} ${body}`);
    this.sendings.push({ cause, method, path, body: JSON.parse(body ?? '{}') as Doc, resolve, reject });
    return promise;
  };

  /** As `Cloud.ask`. What is asked for is told to the end, as the contract of `Changes` says. */
  readonly ask = ({ path }: Ask, _authorization?: string | null, signal?: AbortSignal): Promise<Answer> => {
    if (!this.holdsAsks) return Promise.resolve(this.#answer(path));
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const asking: Asking = { path, made: null, resolve, reject };
    this.asks.push(asking);
    signal?.addEventListener('abort', () => {
      this.asks = this.asks.filter((each) => each !== asking);
      reject(new CloudFault('reset', true));
    });
    return promise;
  };

  /** What becomes of the n-th question that waits. */
  endAsk(n: number, fate: AskFate): void {
    const asking = this.asks[n % Math.max(1, this.asks.length)];
    if (asking === undefined) return;
    if (fate === 'made') {
      asking.made ??= this.#answer(asking.path);
      return;
    }
    this.asks = this.asks.filter((each) => each !== asking);
    if (fate === 'answered') asking.resolve(asking.made ?? this.#answer(asking.path));
    else if (fate === 'failed') asking.resolve(json(503, { code: 'unavailable' }));
    else asking.reject(new CloudFault('reset', true));
  }

  #answer(path: string): Answer {
    const { pathname, searchParams } = new URL(path, 'http://cloud');
    const after = searchParams.get('after');
    if (pathname === '/changes') return this.#changesAfter(after);
    const docs = [...this.#docs[pathname === '/articles' ? 'articles' : 'orders'].values()]
      .filter(({ id }) => after === null || String(id) > after)
      .sort((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
    const data = docs.slice(0, 3);
    return json(200, { data, next: docs.length > 3 ? (data[2]?.['id'] ?? null) : null });
  }

  #changesAfter(after: string | null): Answer {
    this.#told = this.changes.length;
    const from = after === null ? this.#told : Number.parseInt(after);
    if (after !== null && after !== this.#cursor(from)) return json(410, { code: 'cursor-unknown' });
    const ends = this.#ends.filter((end) => end > from);
    return json(200, this.#page(from, ends[Math.min(this.pageSize, ends.length) - 1] ?? from));
  }

  /** The end of its history. */
  get present(): string {
    return this.#cursor(this.changes.length);
  }

  /** A place: after so many changes, the last of which has this nonce. */
  #cursor(position: number): string {
    const last = position === 0 ? 0 : this.changes[position - 1]?.nonce;
    return `${position}.${last ?? 'unknown'}`;
  }

  /** As `Cloud.events`: one page as long as there is something to tell. */
  readonly events = async function* (
    this: ModelCloud,
    { path }: Ask,
    _authorization: string | null,
    _silence: number,
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const after = new URL(path, 'http://cloud').searchParams.get('after') ?? '';
    const restored = this.#restored;
    let [at, idled] = [Number.parseInt(after), this.#idled];
    if (after !== this.#cursor(at)) throw new UnexpectedAnswer(json(410, { code: 'cursor-unknown' }));
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    yield JSON.stringify(this.#page(at, at));
    while (!signal.aborted) {
      if (this.#restored !== restored) throw new CloudFault('reset', true);
      if (at < this.#told || idled < this.#idled) {
        idled = this.#idled;
        const page = this.#page(at);
        at = Number.parseInt(page.cursor);
        yield JSON.stringify(page);
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }.bind(this);

  #page(from: number, to = this.#told): Batch {
    const end = Math.max(from, to);
    return { epoch: 'e1', changes: this.changes.slice(from, end), cursor: this.#cursor(end), more: end < this.#told };
  }

  #result(request: Request, isRefused: boolean): Result {
    const name = nameOf(request.cause);
    const known = this.results.get(name);
    if (known !== undefined) return known;
    const result = isRefused ? { status: 403, body: { code: FORBIDDEN } } : this.#effect(request);
    this.results.set(name, result);
    this.#note({ type: 'marker', cause: request.cause });
    this.#ends.push(this.changes.length);
    return result;
  }

  #effect({ method, path, body, cause }: Request): Result {
    if (path === '/orders') {
      const article = String(body['article']);
      const stock = this.#docs.articles.get(article);
      if (stock !== undefined)
        this.#put('articles', article, { qty: Number(stock['qty']) - Number(body['qty']) }, cause);
      return { status: 201, body: this.#put('orders', String(body['id']), body, cause) };
    }
    if (method === 'POST') {
      this.#made += 1;
      return { status: 201, body: this.#put('articles', `made-${this.#made}`, { qty: 0, ...body }, cause) };
    }
    const id = path.split('/')[2] ?? '';
    if (!this.#docs.articles.has(id)) return { status: 404, body: { code: 'not-found' } };
    const { saw: _, ...fields } = body;
    return { status: 200, body: this.#put('articles', id, fields, cause) };
  }

  #put(resource: 'articles' | 'orders', id: string, fields: Doc, cause: Cause | null): Doc {
    const version = this.changes.length + 1;
    const doc = { ...this.#docs[resource].get(id), ...fields, id, version };
    this.#docs[resource].set(id, doc);
    this.#note({ type: 'put', resource, id, version, doc, cause });
    return doc;
  }
}
