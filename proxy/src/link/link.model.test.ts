import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fate, Fault, LinkState } from '@larder/sync/link';
import { createLink, type Link } from './link.ts';
import { type Clock, INTERVALS } from './pacer.ts';

/** MODEL_SEED repeats a run that failed, MODEL_RUNS asks for more cases; a failure prints its seed and its case. */
const { MODEL_SEED: seed, MODEL_RUNS: runs = '2000' } = process.env;
const setting = { numRuns: Number(runs), ...(seed === undefined ? {} : { seed: Number(seed) }) };

/** More cases than usual take longer than usual, ms. */
const PATIENCE = 60_000 + 100 * setting.numRuns;

const FAULTS: Record<Fault, 'cut' | 'odd'> = {
  refused: 'cut',
  unreachable: 'cut',
  dns: 'cut',
  reset: 'odd',
  silent: 'odd',
  tls: 'odd',
  gateway: 'odd',
  portal: 'odd',
};
const fault = fc.constantFrom(...(Object.keys(FAULTS) as Fault[]));
const cut = fc.constantFrom(...(Object.keys(FAULTS) as Fault[]).filter((each) => FAULTS[each] === 'cut'));
/** The longest that a probe takes here, ms. */
const SLOWEST = 800;
const MINUTE = 60_000;
const STARTED = 1_000_000;

/** What a request meets: the link as it is at that moment, or its own bad luck. */
type Step =
  | { type: 'pass'; ms: number }
  /** From now on the cloud answers everybody, or meets everybody with this fault. */
  | { type: 'weather'; fault: Fault | null }
  | { type: 'request'; unlucky: Fault | null; ms: number }
  | { type: 'slow' }
  | { type: 'hold'; held: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 5000 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('weather' as const), fault: fc.option(fault) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('request' as const),
      unlucky: fc.option(fault, { freq: 3 }),
      ms: fc.integer({ min: 0, max: 30_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'slow' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hold' as const), held: fc.boolean() }) },
);

/** What a link should make of it, as far as that can be said in a few words. */
class Model {
  /** Good probes in a row. */
  good = 0;
  /** Every change of state: when, and to what. */
  readonly passages: { at: number; state: LinkState }[] = [];
}

class Run {
  readonly link: Link;
  readonly model = new Model();
  #weather: Fault | null = null;
  #now = STARTED;
  #timers: { at: number; run: () => void }[] = [];
  #probing = 0;
  #state: LinkState;
  readonly #took: number;
  /** What must not happen, and is found where throwing it would be lost. */
  readonly #wrong: string[] = [];

  constructor(took: number, jitter: number) {
    this.#took = took;
    const quiet = () => undefined;
    this.link = createLink({
      clock: { now: () => this.#now, after: (ms, run) => this.#after(ms, run) } satisfies Clock,
      intervals: INTERVALS,
      jitter: () => jitter,
      log: { info: quiet, warn: quiet },
      probe: () => this.#probe(),
    });
    this.#state = this.link.state;
    this.link.on('change', (state) => this.#changed(state));
    this.link.start();
  }

  #after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((each) => each !== timer));
  }

  /** The weather at its beginning decides. */
  async #probe(): Promise<Fate> {
    this.#probing += 1;
    if (this.#probing > 1) this.#wrong.push('two probes at once');
    const fate = this.#fate(this.#weather, this.#took);
    await new Promise<void>((resolve) => this.#after(this.#took, resolve));
    this.#probing -= 1;
    this.model.good = fate.type === 'answered' ? this.model.good + 1 : 0;
    return fate;
  }

  #fate(met: Fault | null, ms: number): Fate {
    return met === null ? { type: 'answered', ms } : { type: 'failed', fault: met, ms };
  }

  #changed(state: LinkState): void {
    if (state === this.#state) return;
    const from = this.#state;
    this.#state = state;
    this.model.passages.push({ at: this.#now, state });
    // Recovery needs two good probes in a row, and comes whole.
    if (from === 'offline' && !(state === 'online' && this.model.good >= 2))
      this.#wrong.push(`from offline to ${state} after ${this.model.good} good probes`);
  }

  async take(each: Step): Promise<void> {
    if (each.type === 'pass') await this.pass(each.ms);
    else if (each.type === 'weather') this.#weather = each.fault;
    else if (each.type === 'request') this.#request(each.unlucky ?? this.#weather, each.ms);
    else if (each.type === 'slow') this.link.slow();
    else this.#hold(each.held);
    await this.pass(0);
    // The hold is no state, and no state is the hold.
    assert.equal(this.link.state, this.#state);
  }

  /** One that proves that there is no connection moves the link at once; any answer ends a doubt at once. */
  #request(met: Fault | null, ms: number): void {
    const before = this.link.state;
    const failedNow = met !== null && FAULTS[met] === 'cut' && ms === 0;
    this.link.report(this.#fate(met, ms));
    if (failedNow) assert.equal(this.link.state, 'offline');
    if (met === null && before !== 'offline') assert.equal(this.link.state, 'online');
    if (met !== null && before === 'offline') assert.equal(this.link.state, 'offline');
  }

  #hold(held: boolean): void {
    const { state } = this.link;
    if (held) this.link.hold('ann');
    else this.link.release('ann');
    assert.deepEqual([this.link.held, this.link.state], [held, state]);
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
    assert.deepEqual(this.#wrong, []);
  }

  get elapsed(): number {
    return this.#now - STARTED;
  }

  set weather(met: Fault | null) {
    this.#weather = met;
  }

  /** Outages within any minute: each costs a confirmation that doubles, up to the ceiling. */
  mostOutagesInAMinute(): number {
    const falls = this.model.passages.filter(({ state }) => state === 'offline').map(({ at }) => at);
    return Math.max(0, ...falls.map((from) => falls.filter((at) => at >= from && at < from + MINUTE).length));
  }
}

/** Lets promises that are settled be acted on. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

/** Lower bound of what the n-th outage in a minute takes: the wait before its second good probe, at least jitter. */
function outagesThatFit(): number {
  let [spent, outages] = [0, 0];
  while (spent < MINUTE) {
    spent += Math.min(INTERVALS.ceiling, INTERVALS.confirm * 2 ** outages) / 2;
    outages += 1;
  }
  return outages + 1;
}

const begin = fc.record({
  took: fc.integer({ min: 0, max: SLOWEST }),
  jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

test(
  'I5: whatever evidence comes, the link ends online where the cloud is well, and offline where it is gone',
  async () => {
    const law = fc.asyncProperty(
      begin,
      fc.array(step, { maxLength: 40 }),
      fault,
      async ({ took, jitter }, steps, gone) => {
        const run = new Run(took, jitter);
        for (const each of steps) await run.take(each);
        run.weather = null;
        await run.pass(2 * INTERVALS.ceiling + 4 * SLOWEST);
        assert.equal(run.link.state, 'online');
        run.weather = gone;
        // Without a request to notice it, the next probe does.
        await run.pass(INTERVALS.idle + 3 * SLOWEST);
        assert.equal(run.link.state, 'offline');
        run.link.stop();
      },
    );
    await expect(fc.assert(law, setting)).resolves.toBeUndefined();
  },
  PATIENCE,
);

test(
  'a link that flaps as wildly as it can does not thrash: what a minute has room for is bounded',
  async () => {
    // Well to every probe, and gone a moment after anybody relies on it.
    const flaps = fc.array(fc.record({ lasts: fc.nat({ max: 30 }), gone: cut }), { minLength: 1, maxLength: 5 });
    const law = fc.asyncProperty(begin, flaps, async ({ took, jitter }, pattern) => {
      const run = new Run(took, jitter);
      for (let at = 0; run.elapsed < 2 * MINUTE; at += 1) {
        while (run.link.state !== 'online') await run.pass(20);
        const { lasts, gone } = pattern[at % pattern.length] ?? { lasts: 0, gone: 'refused' };
        await run.pass(lasts);
        run.link.report({ type: 'failed', fault: gone, ms: 0 });
      }
      const outages = run.mostOutagesInAMinute();
      assert.ok(outages <= outagesThatFit(), `${outages} outages in a minute`);
      run.link.stop();
    });
    await expect(fc.assert(law, { ...setting, numRuns: Math.ceil(setting.numRuns / 40) })).resolves.toBeUndefined();
  },
  PATIENCE,
);
