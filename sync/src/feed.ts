/**
 * The feed: keeps the base equal to the cloud. Follows the cloud's changes from the kept place to the present, and then
 * along with it. How a walk comes before that: restoration.ts; what a page does: intake.ts; apps without a feed:
 * feedless.ts.
 */
import type { Answer } from './client.ts';
import { UnexpectedAnswer, type Cloud } from './cloud.ts';
import { CloudFault } from './fault.ts';
import { Feedless } from './feedless.ts';
import { gather } from './gather.ts';
import { type From, Intake, Restored } from './intake.ts';
import type { LinkState } from './link.ts';
import type { Ask, Changes } from './profile.ts';
import { Pause, retryDelay } from './pause.ts';
import { Reconcile } from './reconcile.ts';
import { Restoration } from './restoration.ts';
import type { Slices } from './slices.ts';
import type { Store } from './store.ts';
import { Unmarked } from './unmarked.ts';

export interface FeedParts {
  store: Store;
  slices: Slices;
  cloud: Pick<Cloud, 'ask' | 'events'>;
  storeId: string;
  /** The edge's own credential. */
  credential: string | null;
  /** What was applied is offered again to a cloud that was restored, if not longer ago than this, ms. */
  keepSettled: number;
  now(): number;
  random(): number;
  /** The feed's liveness or its position in time changed. */
  moved(): void;
  /** It is the same cloud as before, or how it differs has been written down: writes may go there. */
  proved(): void;
  /** The same for reads, for which it is enough that it cannot be found out; false: it is to be found out anew. */
  checked(checked: boolean): void;
  /** The cloud was restored or replaced: nothing that is cached of it is trusted. */
  restored(): void;
  log(level: 'info' | 'warn', message: string, detail?: Record<string, unknown>): void;
}

/** A live feed that says nothing for this long is dead, ms; the cloud sends idle positions more often. */
const SILENCE = 6000;
/** After what ended well it is asked again, ms. */
const SOON = 200;
/** Live pages that are applied together: each by itself, a busy store would spend its time on fsyncs. */
const MOST_PAGES = 500;
/** Apps without a feed, or without a live one, are asked this often, ms. */
const POLL = 5000;
/** What took effect and is shown by the overlay after this long, ms, may be waiting for a marker that lies behind us. */
const OVERDUE = 2000;

const GONE = 410;
const DENIED = new Set([401, 403]);

export class Feed {
  readonly #parts: FeedParts;
  readonly #reconcile: Reconcile;
  readonly #unmarked: Unmarked;
  readonly #intake: Intake;
  readonly #restoration: Restoration;
  readonly #feedless: Feedless;
  readonly #pause = new Pause();
  #attempt = new AbortController();
  #reachable = false;
  #failures = 0;
  #live = false;
  #proved = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#reconcile = new Reconcile({
      store: parts.store,
      slices: parts.slices,
      storeId: parts.storeId,
      now: parts.now,
      ask: (ask) => this.#ask(ask),
      reach: () => this.#reach(parts.store.meta('walking')),
    });
    const reconcile = this.#reconcile;
    const proved = () => this.#prove();
    this.#unmarked = new Unmarked({ ...parts, reconcile, asked: () => parts.proved() });
    this.#intake = new Intake({ ...parts, reconcile, proved });
    const common = { ...parts, reconcile, unmarked: this.#unmarked, intake: this.#intake, pause: this.#pause };
    this.#restoration = new Restoration({
      ...common,
      proved,
      ask: (ask, mayBeGone) => this.#ask(ask, mayBeGone),
      isBroken: () => this.#attempt.signal.aborted,
    });
    this.#feedless = new Feedless({
      ...common,
      ask: (ask) => this.#ask(ask),
      finishWalk: () => this.#finishWalk(),
      succeeded: () => (this.#failures = 0),
    });
    void this.#run();
  }

  /** Changes arrive as they happen. */
  get live(): boolean {
    return this.#live;
  }

  /** When the base was last known to equal the cloud, ms since 1970. */
  get asOf(): number | null {
    return this.#intake.asOf;
  }

  /**
   * The cloud has shown, since the link came back, that it knows the cursor: it is not one that was restored. Nothing is
   * sent before (I2, I3): a restored one would refuse what builds on what it has lost.
   */
  get proved(): boolean {
    return this.#proved;
  }

  get complete(): boolean {
    return this.#reconcile.complete;
  }

  /** All of the cloud's documents are being fetched, for the first time or anew. */
  get walking(): boolean {
    return this.#reconcile.under;
  }

  /** A link that is down ends what is under way at once; one that is back is tried at once. */
  link(state: LinkState, held: boolean): void {
    const reachable = state !== 'offline' && !held;
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#failures = 0;
    if (!reachable) this.#proved = false;
    if (!reachable) this.#attempt.abort();
    this.#pause.end();
  }

  /**
   * Applies all that the cloud had committed when this was called, beside whatever follows the feed: what is applied
   * twice changes nothing, and a position that has moved on meanwhile is not put back. Rejects where the cloud does not
   * answer, and where it was restored.
   */
  reach(): Promise<void> {
    return this.#reach(null);
  }

  /** The same within the walk that began then, or outside of any. */
  async #reach(walking: string | null): Promise<void> {
    const { store, storeId, now } = this.#parts;
    const { changes } = store.app;
    if (changes === undefined) return;
    const applied = walking === null ? [] : store.entries.applied();
    for (let more = true; more;) {
      const cursor = store.meta('cursor');
      if (cursor === null) throw new Error('the feed has lost its place');
      const [asked, answer] = [now(), await this.#ask(changes.ask(cursor, storeId), true)];
      this.#intake.assertSame(walking);
      const from: From = [cursor, walking];
      more = await this.#intake.take(changes, [answer], asked, from);
    }
    if (walking !== null) await this.#unmarked.settle(applied);
  }

  /** Asks the cloud on the edge's own account. Rejects where it does not answer well, or the link is found down. */
  ask(ask: Ask): Promise<Answer> {
    return this.#ask(ask);
  }

  stop(): void {
    this.#pause.stop();
    this.#attempt.abort();
  }

  async #run(): Promise<void> {
    while (!this.#pause.stopped) {
      if (!this.#reachable) {
        await this.#pause.wait(null);
        continue;
      }
      this.#attempt = new AbortController();
      try {
        await this.#follow();
      } catch (error) {
        await this.#failed(error);
      }
      this.#setLive(false);
      if (this.#reachable) await this.#pause.wait(this.#delay());
    }
  }

  /** From wherever the replica stands to the present, and then along with it. */
  async #follow(): Promise<void> {
    const { store } = this.#parts;
    const changes = store.app.changes;
    // Where there is no place to compare with, there is nothing to wait for.
    if (changes === undefined || store.meta('cursor') === null) this.#prove();
    if (Object.keys(store.app.resources).length === 0) return this.#pause.wait(null);
    if (changes === undefined) return this.#feedless.round();
    // A new release may bring a resource that was never walked.
    if (store.meta('cursor') === null || !(this.#reconcile.under || this.#reconcile.complete))
      await this.#restoration.begin(changes);
    await this.#restoration.readyToWalk(changes, () => this.#catchUp(changes));
    if (this.#reconcile.under) await this.#finishWalk();
    await this.#catchUp(changes);
    if (changes.live === undefined) return this.#pause.wait(POLL);
    await this.#listen(changes);
  }

  /** Fetches and applies pages up to the present. */
  async #catchUp(changes: Changes): Promise<void> {
    const applied = this.#parts.store.entries.applied();
    while (await this.#page(changes));
    await this.#unmarked.settle(applied);
  }

  #prove(): void {
    if (this.#proved) return;
    this.#proved = true;
    this.#parts.checked(true);
    this.#parts.proved();
  }

  async #finishWalk(): Promise<void> {
    const { log, now, moved } = this.#parts;
    log('info', 'fetching the documents of the store');
    await this.#reconcile.finish();
    const asOf = this.#reconcile.begun;
    this.#intake.complete(asOf);
    log('info', 'the documents of this store are complete', { ms: now() - asOf });
    moved();
  }

  /** Fetches and applies one page; true if there are more. */
  async #page(changes: Changes): Promise<boolean> {
    const { store, storeId } = this.#parts;
    const asked = this.#parts.now();
    const answer = await this.#ask(changes.ask(store.meta('cursor'), storeId), true);
    return this.#intake.take(changes, [answer], asked);
  }

  async #listen(changes: Changes): Promise<void> {
    const { store, storeId, cloud, credential } = this.#parts;
    const live = changes.live?.(store.meta('cursor') ?? '', storeId);
    if (live === undefined) return;
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, this.#attempt.signal]);
    let looked = performance.now();
    let applied = new Set<number>();
    try {
      for await (const pages of gather(cloud.events(live, credential, SILENCE, signal), MOST_PAGES)) {
        const answers = pages.map((body) => ({ status: 200, headers: {}, body }));
        const more = await this.#intake.take(changes, answers, this.#parts.now());
        this.#failures = 0;
        this.#setLive(!more);
        if (performance.now() - looked < OVERDUE) continue;
        looked = performance.now();
        const still = store.entries.applied();
        // Asking anew tells whether its marker is still to come.
        if (still.some((seq) => applied.has(seq))) return;
        applied = new Set(still);
      }
    } finally {
      left.abort();
    }
  }

  async #ask(ask: Ask, mayBeGone = false): Promise<Answer> {
    const { cloud, credential } = this.#parts;
    const answer = await cloud.ask(ask, credential, this.#attempt.signal);
    if (answer.status !== 200 && !(mayBeGone && answer.status === GONE)) throw new UnexpectedAnswer(answer);
    return answer;
  }

  async #failed(error: unknown): Promise<void> {
    const { changes } = this.#parts.store.app;
    const isGone = error instanceof UnexpectedAnswer && error.answer.status === GONE;
    if (changes === undefined || !(isGone || error instanceof Restored)) return this.#broke(error);
    try {
      this.#proved = false;
      await this.#restoration.restore(changes);
    } catch (failed) {
      this.#broke(failed);
    }
  }

  #broke(error: unknown): void {
    if (this.#attempt.signal.aborted) return;
    this.#failures += 1;
    // Broken off: what answers the next time may be another cloud. The link knows of it already.
    if (error instanceof CloudFault) {
      this.#proved = false;
      return this.#parts.checked(false);
    }
    this.#parts.checked(true);
    // Who may not ask can compare nothing, and must not keep the queue from draining for it (I5).
    if (error instanceof UnexpectedAnswer && DENIED.has(error.answer.status)) this.#prove();
    const message = error instanceof Error ? error.message : String(error);
    this.#parts.log('warn', 'the feed broke', { error: message });
  }

  #delay(): number {
    if (this.#failures === 0) return SOON;
    return retryDelay(this.#failures, this.#parts.random());
  }

  #setLive(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    this.#parts.moved();
  }
}
