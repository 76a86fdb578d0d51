/**
 * The feed: keeps the base equal to the cloud. A cursor is taken before the first page of a walk, so what changes while
 * the walk goes on comes afterwards. A page is applied in slices, each some whole transactions of the cloud: bases,
 * markers, rebase; the last one keeps the cursor, so a page that is cut is asked for again. The overlay lets go of an
 * entry in the very commit that applies its marker (I6).
 */
import type { Answer } from './client.ts';
import { UnexpectedAnswer, type Cloud } from './cloud.ts';
import { CloudFault } from './fault.ts';
import { gather } from './gather.ts';
import { lastChanges } from './last-changes.ts';
import type { LinkState } from './link.ts';
import type { Ask, Batch, Change, Changes, Poll } from './profile.ts';
import { offerAgain, untilSettled } from './queue/restored.ts';
import { isSettled } from './queue/states.ts';
import { Pause, retryDelay } from './pause.ts';
import { Polling } from './poll.ts';
import { Reconcile } from './reconcile.ts';
import { resOf } from './request.ts';
import type { Slices } from './slices.ts';
import type { Noted, Store } from './store.ts';
import { EVERYTHING } from './tag-table.ts';
import { transactionsOf } from './transactions.ts';
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
const WALK_AGAIN = 60_000;
/** What took effect and is shown by the overlay after this long, ms, may be waiting for a marker that lies behind us. */
const OVERDUE = 2000;
/** An idle feed's time is made durable this often, ms. */
const KEEP_AS_OF = 30_000;

const GONE = 410;
const DENIED = new Set([401, 403]);

/** Of pages that are asked for beside what follows the feed: where they begin, and the walk that they are asked for in. */
type From = readonly [cursor: string, walking: string | null];

/** The cloud does not know the cursor: it was restored from a backup, or is another one. */
class Restored extends Error {}

export class Feed {
  readonly #parts: FeedParts;
  readonly #reconcile: Reconcile;
  readonly #unmarked: Unmarked;
  readonly #pause = new Pause();
  #attempt = new AbortController();
  #reachable = false;
  #failures = 0;
  #live = false;
  #proved = false;
  #asOf: number | null;
  /** As it stands in the database. */
  #keptAsOf = 0;
  readonly #polling: Polling;
  /** When keys were last compared. */
  #keyed = 0;
  /** Without a feed: what had taken effect before the walk under way began. */
  #before: number[] = [];

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
    this.#unmarked = new Unmarked({ ...parts, reconcile: this.#reconcile, asked: () => parts.proved() });
    this.#polling = new Polling({ ...parts, reconcile: this.#reconcile, ask: (ask) => this.#ask(ask) });
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
      this.#assertSame(walking);
      more = await this.#take(changes, [answer], asked, [cursor, walking]);
    }
    if (walking !== null) await this.#unmarked.settle(applied);
  }

  /**
   * What a restored cloud says must not come here before it has been offered again what it lost, nor what it said before
   * that after it.
   */
  #assertSame(walking: string | null): void {
    if (this.#parts.store.meta('walking') !== walking) throw new Error('the cloud was restored meanwhile');
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
    if (changes === undefined)
      return store.app.poll === undefined ? this.#pollByWalk() : this.#pollByMarks(store.app.poll);
    // A new release may bring a resource that was never walked.
    if (store.meta('cursor') === null || !(this.#reconcile.under || this.#reconcile.complete))
      await this.#begin(changes);
    await this.#readyToWalk(changes);
    if (this.#reconcile.under) await this.#finishWalk();
    await this.#catchUp(changes);
    if (changes.live === undefined) return this.#pause.wait(POLL);
    await this.#listen(changes);
  }

  /** Before a walk begins or goes on: is it still the same cloud, and does it have all that it is to have? */
  async #readyToWalk(changes: Changes): Promise<void> {
    for (;;) {
      if (this.#parts.store.again.count() > 0) await this.#offerAgain(changes);
      if (!this.#reconcile.under) return;
      if (!this.#reconcile.isAtStart) return this.#catchUp(changes);
      if (await this.#catchUpBeside(changes)) return;
    }
  }

  /** Fetches and applies pages up to the present. */
  async #catchUp(changes: Changes): Promise<void> {
    const applied = this.#parts.store.entries.applied();
    while (await this.#page(changes));
    await this.#unmarked.settle(applied);
  }

  /**
   * To the present before a walk, in one commit: the old bases go on answering for all that the walk will bring (I6). False
   * where nothing came of it, because the cloud has to be asked for something first.
   */
  async #catchUpBeside(changes: Changes): Promise<boolean> {
    const { store, storeId } = this.#parts;
    const applied = store.entries.applied();
    const { held, markers, last } = await lastChanges(store, async (cursor) => {
      const batch = this.#read(changes, await this.#ask(changes.ask(cursor, storeId), true));
      this.#prove();
      return batch;
    });
    return store.commitAs('feed', (noted) => {
      const [known, doubtful] = this.#unmarked.byProof(applied.filter((seq) => !markers.has(seq)));
      for (const seq of doubtful) store.again.ask(seq, true);
      if (doubtful.length > 0) return false;
      // A removal of what was brought before the last cut may be among what is not held: it is to be met again.
      this.#reconcile.mark();
      this.#apply(held, noted);
      for (const seq of known) this.#unmarked.contain(seq);
      this.#keepPosition(last);
      return true;
    });
  }

  #prove(): void {
    if (this.#proved) return;
    this.#proved = true;
    this.#parts.checked(true);
    this.#parts.proved();
  }

  /**
   * Waits while replay offers again what the cloud has lost. Until then the base stays as it is: it contains all of that,
   * and the documents of the restored cloud do not yet (I6). What cannot be settled holds the documents that it
   * touches as they are, from then on until it is.
   */
  async #offerAgain(changes: Changes): Promise<void> {
    const { store, storeId, log } = this.#parts;
    if (changes.read(resOf(await this.#ask(changes.ask(store.meta('cursor'), storeId), true))) === 'restored')
      throw new Restored();
    this.#prove();
    const left = await untilSettled(store, async (ms) => {
      if (this.#attempt.signal.aborted) throw new CloudFault('reset', false);
      await this.#pause.wait(ms);
    });
    store.commitAs('restored', () => {
      for (const seq of store.again.end()) store.rebase.hold(seq);
    });
    log('info', 'what the restored cloud had lost has been offered again', { left });
  }

  /** Takes the cursor, then begins the walk: nothing that changes in between is lost. */
  async #begin(changes: Changes): Promise<void> {
    const { store, storeId, now } = this.#parts;
    const batch = changes.read(resOf(await this.#ask(changes.ask(null, storeId))));
    if (batch === 'restored') throw new Error('the cloud has no position to start from');
    this.#reconcile.begin();
    store.commitAs('walk-cursor', (noted) => {
      this.#keepPosition(batch);
      // What was sent before now may lie before that position: the documents fetched would contain what is shown besides.
      offerAgain(store, now(), null, noted);
    });
  }

  /**
   * The cloud's history was replaced: what it may have lost is offered again, then all is fetched anew beside what is
   * here. Its new end is taken first, so that it is known again before anything is sent.
   */
  async #restore(changes: Changes): Promise<void> {
    const { store, storeId, keepSettled, log, now } = this.#parts;
    this.#proved = false;
    const batch = changes.read(resOf(await this.#ask(changes.ask(null, storeId))));
    if (batch === 'restored') throw new Error('the cloud has no position to start from');
    const entries = store.commitAs('restored', (noted) => {
      this.#reconcile.mark();
      this.#keepPosition(batch);
      noted.tag(EVERYTHING);
      return offerAgain(store, now(), now() - keepSettled, noted);
    });
    log('warn', 'the cloud was restored or replaced: offering again what it may have lost, then fetching everything', {
      entries,
    });
    this.#parts.restored();
    this.#prove();
  }

  async #finishWalk(): Promise<void> {
    const { store, log, now, moved } = this.#parts;
    log('info', 'fetching the documents of the store');
    await this.#reconcile.finish();
    const asOf = this.#reconcile.begun;
    store.commitAs('complete', () => this.#keepAsOf(asOf));
    this.#asOf = asOf;
    log('info', 'the documents of this store are complete', { ms: now() - asOf });
    moved();
  }

  /** Fetches and applies one page; true if there are more. */
  async #page(changes: Changes): Promise<boolean> {
    const { store, storeId } = this.#parts;
    const asked = this.#parts.now();
    const answer = await this.#ask(changes.ask(store.meta('cursor'), storeId), true);
    return this.#take(changes, [answer], asked);
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
        const more = await this.#take(changes, answers, this.#parts.now());
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

  /**
   * Applies pages that follow each other, asked for at a time, and from a position within a walk unless they follow the
   * feed; true if there are more.
   */
  async #take(changes: Changes, answers: readonly Answer[], asked: number, from?: From): Promise<boolean> {
    const { store, slices } = this.#parts;
    const batches = answers.map((answer) => this.#read(changes, answer));
    const last = batches.at(-1);
    if (last === undefined) return false;
    this.#prove();
    // Until the last page is in, and while a walk goes on, the base is as old as it was (I13).
    const asOf = last.more || this.#reconcile.under ? null : asked;
    const transactions = batches.flatMap((batch) => transactionsOf(batch.changes));
    // An idle position says only that all is still the same: worth a commit only now and then.
    if (transactions.length > 0 || last.cursor !== store.meta('cursor') || asked - this.#keptAsOf > KEEP_AS_OF)
      await slices.commit(
        'feed',
        transactions,
        (transaction, noted) => {
          if (from !== undefined) this.#assertSame(from[1]);
          this.#apply(transaction, noted);
        },
        () => {
          if (from === undefined || store.meta('cursor') === from[0]) this.#keepPosition(last);
          if (asOf !== null) this.#keepAsOf(asOf);
        },
      );
    if (asOf !== null) this.#asOf = asOf;
    this.#parts.moved();
    return last.more;
  }

  #read(changes: Changes, answer: Answer): Batch {
    const batch = changes.read(resOf(answer));
    const epoch = this.#parts.store.meta('epoch');
    if (batch === 'restored' || (epoch !== null && batch.epoch !== epoch)) throw new Restored();
    return batch;
  }

  #apply(transaction: readonly Change[], noted: Noted): void {
    for (const change of transaction) {
      if (change.type === 'marker') this.#land(change, noted);
      else this.#change(change, noted);
    }
  }

  #change(change: Exclude<Change, { type: 'marker' }>, noted: Noted): void {
    const { store } = this.#parts;
    if (store.app.resources[change.resource] === undefined) return;
    const doc = change.type === 'put' ? change.doc : null;
    store.putBase(change.resource, change.id, change.version, doc, this.#reconcile.walkOf(change.resource));
    noted.tag(change.resource, `${change.resource}/${change.id}`);
  }

  /** The base now contains everything that the write under this key did. */
  #land(marker: Extract<Change, { type: 'marker' }>, noted: Noted): void {
    const { store } = this.#parts;
    const entry = store.entries.byKey(marker.cause.user, marker.cause.key);
    if (entry === null || !entry.overlaid) return;
    // Only its answer tells the ids that the cloud gave: until then its documents are known by the temporary ones.
    const awaitsIds = !isSettled(entry.state) && store.app.writes[entry.route]?.result !== undefined;
    if (awaitsIds) store.entries.setMarked(entry.seq);
    else store.release(entry.seq, noted);
  }

  #keepPosition(batch: Batch): void {
    const { store } = this.#parts;
    store.setMeta('cursor', batch.cursor);
    store.setMeta('epoch', batch.epoch);
  }

  #keepAsOf(asOf: number): void {
    this.#keptAsOf = asOf;
    this.#parts.store.setMeta('as-of', String(asOf));
  }

  /** Without a feed: walk again and again. A write that settled before a walk began is in what the walk brought. */
  async #pollByWalk(): Promise<void> {
    if (!this.#reconcile.under) {
      this.#before = this.#parts.store.entries.applied();
      this.#reconcile.begin();
    }
    await this.#finishWalk();
    await this.#unmarked.release(this.#before);
    this.#before = [];
    this.#failures = 0;
    await this.#pause.wait(WALK_AGAIN);
  }

  /** Without a feed, by marks. What settled before a poll began is in what it brought; a removal is in the keys alone. */
  async #pollByMarks(poll: Poll): Promise<void> {
    const { store, now } = this.#parts;
    if (!this.#reconcile.complete || this.#reconcile.under || !this.#polling.ready) {
      if (!this.#reconcile.under || !this.#polling.ready) {
        await this.#polling.takeMarks(poll);
        this.#reconcile.begin();
      }
      await this.#finishWalk();
    }
    const [began, applied] = [now(), store.entries.applied()];
    await this.#polling.changes(poll);
    if (began - this.#keyed >= poll.keysEvery * 1000 || store.overlay.removes(applied)) {
      await this.#polling.keys(poll);
      this.#keyed = began;
    }
    await this.#unmarked.release(applied);
    if (began - this.#keptAsOf > KEEP_AS_OF) store.commitAs('complete', () => this.#keepAsOf(began));
    this.#asOf = began;
    this.#failures = 0;
    this.#parts.moved();
    await this.#pause.wait(poll.every * 1000);
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
      await this.#restore(changes);
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
