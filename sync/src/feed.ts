/**
 * The feed: keeps the base equal to the cloud. A cursor is taken before the first page of a walk, so what changes while
 * the walk goes on comes afterwards. Each page is one transaction: bases, markers, rebase, cursor. The overlay lets go
 * of an entry in the very transaction that applies its marker (I6).
 */
import type { Answer } from './client.ts';
import { UnexpectedAnswer, type Cloud } from './cloud.ts';
import { CloudFault } from './fault.ts';
import type { LinkState } from './link.ts';
import type { Ask, Batch, Change, Changes } from './profile.ts';
import { Reconcile } from './reconcile.ts';
import { parseJson, resOf } from './request.ts';
import { EVERYTHING, type Noted, type Store } from './store.ts';

export interface FeedParts {
  store: Store;
  cloud: Cloud;
  storeId: string;
  /** The edge's own credential. */
  credential: string | null;
  now(): number;
  random(): number;
  /** The feed's liveness or its position in time changed. */
  moved(): void;
  log(level: 'info' | 'warn', message: string, detail?: Record<string, unknown>): void;
}

/** A live feed that says nothing for this long is dead, ms; the cloud sends idle positions more often. */
const SILENCE = 6000;
const RETRY_FIRST = 200;
const RETRY_MOST = 5000;
/** Apps without a feed, or without a live one, are asked this often, ms. */
const POLL = 5000;
const WALK_AGAIN = 60_000;
/** An idle feed's time is made durable this often, ms. */
const KEEP_AS_OF = 30_000;

export class Feed {
  readonly #parts: FeedParts;
  readonly #reconcile: Reconcile;
  readonly #stop = new AbortController();
  #attempt = new AbortController();
  #reachable = false;
  #wake: (() => void) | null = null;
  #failures = 0;
  #live = false;
  #asOf: number | null;
  /** As it stands in the database. */
  #keptAsOf = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#reconcile = new Reconcile({ store: parts.store, storeId: parts.storeId, ask: (ask) => this.#ask(ask) });
    const asOf = parts.store.meta('as-of');
    this.#asOf = asOf === null ? null : Number(asOf);
    void this.#run();
  }

  /** Changes arrive as they happen. */
  get live(): boolean {
    return this.#live;
  }

  /** When the base was last known to equal the cloud, ms since 1970. */
  get asOf(): number | null {
    return this.#asOf;
  }

  get complete(): boolean {
    return this.#reconcile.complete;
  }

  /** A link that is down ends what is under way at once; one that is back is tried at once. */
  link(state: LinkState, held: boolean): void {
    const reachable = state !== 'offline' && !held;
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#failures = 0;
    if (!reachable) this.#attempt.abort();
    this.#wake?.();
  }

  stop(): void {
    this.#stop.abort();
    this.#attempt.abort();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (!this.#reachable) {
        await this.#pause(null);
        continue;
      }
      this.#attempt = new AbortController();
      try {
        await this.#follow();
      } catch (error) {
        this.#failed(error);
      }
      this.#setLive(false);
      if (this.#reachable) await this.#pause(this.#delay());
    }
  }

  /** From wherever the replica stands to the present, and then along with it. */
  async #follow(): Promise<void> {
    const { store } = this.#parts;
    if (Object.keys(store.app.resources).length === 0) return this.#pause(null);
    const changes = store.app.changes;
    if (changes === undefined) return this.#pollByWalk();
    if (store.meta('cursor') === null) await this.#begin(changes);
    if (this.#reconcile.under) await this.#finishWalk();
    while (await this.#page(changes));
    if (changes.live === undefined) return this.#pause(POLL);
    await this.#listen(changes);
  }

  /** Takes the cursor, then begins the walk: nothing that changes in between is lost. */
  async #begin(changes: Changes): Promise<void> {
    const { store, storeId } = this.#parts;
    const batch = changes.read(resOf(await this.#ask(changes.ask(null, storeId))));
    if (batch === 'restored') throw new Error('the cloud has no position to start from');
    this.#reconcile.begin();
    store.commit(() => this.#keepPosition(batch));
  }

  async #finishWalk(): Promise<void> {
    const started = this.#parts.now();
    this.#parts.log('info', 'fetching the documents of the store');
    await this.#reconcile.finish();
    this.#parts.log('info', 'the documents of this store are complete', { ms: this.#parts.now() - started });
    this.#parts.moved();
  }

  /** Fetches and applies one page; true if there are more. */
  async #page(changes: Changes): Promise<boolean> {
    const { store, storeId } = this.#parts;
    const answer = await this.#ask(changes.ask(store.meta('cursor'), storeId), true);
    return this.#take(changes, answer);
  }

  async #listen(changes: Changes): Promise<void> {
    const { store, storeId, cloud, credential } = this.#parts;
    const live = changes.live?.(store.meta('cursor') ?? '', storeId);
    if (live === undefined) return;
    for await (const data of cloud.events(live, credential, SILENCE, this.#attempt.signal)) {
      const more = this.#take(changes, { status: 200, headers: {}, body: data });
      this.#failures = 0;
      if (store.meta('cursor') === null) return;
      this.#setLive(!more);
    }
  }

  /** Applies a page; true if there are more. */
  #take(changes: Changes, answer: Answer): boolean {
    const batch = changes.read({ ...resOf(answer), body: parseJson(answer.body) });
    const { store, now } = this.#parts;
    const epoch = store.meta('epoch');
    if (batch === 'restored' || (epoch !== null && batch.epoch !== epoch)) {
      this.#restored();
      return false;
    }
    const asOf = now();
    // An idle position says only that all is still the same: worth a commit only now and then.
    if (batch.changes.length > 0 || batch.cursor !== store.meta('cursor') || asOf - this.#keptAsOf > KEEP_AS_OF)
      store.commit((noted) => {
        this.#apply(batch, noted);
        this.#keepPosition(batch);
      });
    if (!batch.more) this.#asOf = asOf;
    this.#parts.moved();
    return batch.more;
  }

  #apply(batch: Batch, noted: Noted): void {
    for (const change of batch.changes) {
      if (change.type === 'marker') this.#land(change, noted);
      else this.#change(change, noted);
    }
  }

  #change(change: Exclude<Change, { type: 'marker' }>, noted: Noted): void {
    const { store } = this.#parts;
    if (store.app.resources[change.resource] === undefined) return;
    const row = store.db.prepare('SELECT walk FROM resource WHERE name = ?').get(change.resource);
    const doc = change.type === 'put' ? change.doc : null;
    store.putBase(change.resource, change.id, change.version, doc, Number(row?.['walk']));
    noted.tag(change.resource, `${change.resource}/${change.id}`);
  }

  /** The base now contains everything that the write under this key did. */
  #land(marker: Extract<Change, { type: 'marker' }>, noted: Noted): void {
    const { store } = this.#parts;
    const entry = store.entries.byKey(marker.cause.user, marker.cause.key);
    if (entry?.overlaid === true) store.release(entry.seq, noted);
  }

  #keepPosition(batch: Batch): void {
    const { store, now } = this.#parts;
    store.setMeta('cursor', batch.cursor);
    store.setMeta('epoch', batch.epoch);
    this.#keptAsOf = now();
    store.setMeta('as-of', String(this.#keptAsOf));
  }

  /** The cloud's history was replaced: all is fetched anew, and nothing cached is trusted. */
  #restored(): void {
    const { store, log } = this.#parts;
    log('warn', 'the cloud was restored or replaced: fetching everything anew');
    store.commit((noted) => {
      store.setMeta('cursor', null);
      store.setMeta('epoch', null);
      noted.tag(EVERYTHING);
    });
  }

  /** Without a feed: walk again and again. A write that settled before a walk began is in what the walk brought. */
  async #pollByWalk(): Promise<void> {
    const { store } = this.#parts;
    const settled = store.entries.overlaid().filter(({ seq }) => store.entries.get(seq).state === 'applied');
    if (!this.#reconcile.under) this.#reconcile.begin();
    await this.#finishWalk();
    store.commit((noted) => {
      for (const { seq } of settled) store.release(seq, noted);
      store.setMeta('as-of', String(this.#parts.now()));
    });
    this.#asOf = this.#parts.now();
    this.#failures = 0;
    await this.#pause(WALK_AGAIN);
  }

  async #ask(ask: Ask, mayBeGone = false): Promise<Answer> {
    const { cloud, credential } = this.#parts;
    const answer = await cloud.ask(ask, credential, this.#attempt.signal);
    if (answer.status !== 200 && !(mayBeGone && answer.status === 410)) throw new UnexpectedAnswer(answer);
    return answer;
  }

  #failed(error: unknown): void {
    if (this.#attempt.signal.aborted) return;
    this.#failures += 1;
    if (error instanceof UnexpectedAnswer && error.answer.status === 410) return this.#restored();
    // The link knows of faults already; anything else is news.
    if (error instanceof CloudFault) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#parts.log('warn', 'the feed broke', { error: message });
  }

  #delay(): number {
    if (this.#failures === 0) return RETRY_FIRST;
    return this.#parts.random() * Math.min(RETRY_MOST, RETRY_FIRST * 2 ** Math.min(this.#failures, 10));
  }

  #setLive(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    this.#parts.moved();
  }

  /** Waits for a time, or for a change of the link; null: for that alone. */
  async #pause(ms: number | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(resolve, ms);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
      if (this.#stop.signal.aborted) this.#wake();
    });
    this.#wake = null;
  }
}
