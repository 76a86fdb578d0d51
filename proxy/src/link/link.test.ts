import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fate, Fault, LinkState } from '@larder/sync/link';
import { createLink, type Link } from './link.ts';
import { type Clock, createPacer, INTERVALS } from './pacer.ts';
import { type Evidence, evidenceOf, type Phase, stateOf, STEPS } from './states.ts';

const answered: Fate = { type: 'answered', ms: 80 };
const failed = (fault: Fault, ms = 1): Fate => ({ type: 'failed', fault, ms });

/** Time that a test moves by hand, timers included. */
class Time implements Clock {
  #now = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];
  now = (): number => this.#now;
  after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };
  async pass(ms: number): Promise<void> {
    await settled();
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settled();
    }
    this.#now = end;
  }
}

/** Lets answers that are there already be acted on. */
const settled = () => new Promise((done) => setImmediate(done));

interface Rig {
  link: Link;
  time: Time;
  changes: [LinkState, boolean][];
  logged: { message: string; fields: object }[];
  /** When each probe began, and how many were ever under way together. */
  probes: number[];
  together(): number;
  /** What the cloud says to a probe from now on. */
  say(fate: Fate): void;
}

/** `took`: how long a probe takes, ms. */
async function rig(took = 0): Promise<Rig> {
  const time = new Time();
  let underWay = 0;
  let together = 0;
  const probes: number[] = [];
  const changes: Rig['changes'] = [];
  const logged: Rig['logged'] = [];
  let saying = answered;
  const write = (fields: object, message: string) => void logged.push({ fields, message });
  const link = createLink({
    clock: time,
    intervals: INTERVALS,
    jitter: () => 0.999,
    log: { info: write, warn: write },
    async probe() {
      probes.push(time.now());
      together = Math.max(together, ++underWay);
      if (took > 0) await new Promise<void>((done) => time.after(took, done));
      underWay -= 1;
      return saying;
    },
  });
  link.on('change', (...change) => changes.push(change));
  link.start();
  await settled();
  await time.pass(10);
  return { link, time, changes, logged, probes, together: () => together, say: (fate) => (saying = fate) };
}

describe('the link', () => {
  test('is in doubt before the first probe, and online after it', async () => {
    const { link, changes } = await rig();
    expect(link.state).toBe('online');
    expect(changes).toEqual([['online', false]]);
  });

  test.for(['refused', 'dns', 'unreachable'] as const)(
    'is offline at once when a request finds it %s',
    async (fault) => {
      const { link, say } = await rig();
      say(failed(fault));
      link.report(failed(fault));
      expect(link.state).toBe('offline');
    },
  );

  test.for(['silent', 'reset', 'tls', 'gateway', 'portal'] as const)(
    'is asked at once when a request meets "%s", and the probe moves it',
    async (fault) => {
      const { link, say, probes } = await rig();
      say(failed(fault));
      link.report(failed(fault));
      expect(link.state).toBe('doubtful');
      expect(probes).toHaveLength(2);
      await settled();
      expect(link.state).toBe('offline');
    },
  );

  test('stays online when only one request was slow', async () => {
    const { link, changes } = await rig();
    link.report(failed('silent'));
    await settled();
    expect(link.state).toBe('online');
    expect(changes.map(([state]) => state)).toEqual(['online', 'doubtful', 'online']);
  });

  test('loses its doubt with any answer', async () => {
    const { link } = await rig();
    link.report(failed('reset'));
    link.report(answered);
    expect(link.state).toBe('online');
  });

  test('comes back after two good probes in a row, seconds after the cloud does', async () => {
    const { link, time, say, probes } = await rig();
    say(failed('refused'));
    link.report(failed('refused'));
    await time.pass(60_000);
    say(answered);
    const back = time.now();
    const before = probes.length;
    await time.pass(INTERVALS.ceiling + INTERVALS.confirm);
    expect(link.state).toBe('online');
    expect(probes.length - before).toBe(2);
    expect(link.since - back).toBeLessThanOrEqual(INTERVALS.ceiling + INTERVALS.confirm);
  });

  test('does not come back after one good probe', async () => {
    const { link, time, say, probes } = await rig();
    say(failed('refused'));
    link.report(failed('refused'));
    await time.pass(10_000);
    say(answered);
    const before = probes.length;
    while (probes.length === before) await time.pass(10);
    say(failed('silent'));
    await time.pass(5000);
    expect(link.state).toBe('offline');
  });

  test('is asked at once when a request gets through while offline', async () => {
    const { link, time, say, probes } = await rig();
    say(failed('refused'));
    link.report(failed('refused'));
    await time.pass(60_000);
    say(answered);
    const before = probes.length;
    link.report(answered);
    expect(probes).toHaveLength(before + 1);
    await time.pass(INTERVALS.confirm);
    expect(link.state).toBe('online');
  });

  test('does not believe the late failures of requests lost in the outage before', async () => {
    const { link, time, say } = await rig();
    say(failed('refused'));
    link.report(failed('refused'));
    await time.pass(10_000);
    say(answered);
    await time.pass(5000);
    link.report(failed('silent', 12_000));
    expect(link.state).toBe('online');
    link.report(failed('silent', 1000));
    expect(link.state).toBe('doubtful');
  });

  test('is probed rarely while idle, and not at all while there is traffic', async () => {
    const { link, time, probes } = await rig();
    await time.pass(INTERVALS.idle * 3);
    expect(probes).toHaveLength(4);
    for (let second = 0; second < 60; second++) {
      link.report(answered);
      await time.pass(1000);
    }
    expect(probes).toHaveLength(4);
  });

  test('a stopped link asks nothing more', async () => {
    const { link, time, probes } = await rig();
    link.stop();
    await time.pass(60_000);
    expect(probes).toHaveLength(1);
  });

  test('that flaps comes back ever more slowly, but within the ceiling', async () => {
    const { link, time, say } = await rig();
    const delays: number[] = [];
    for (let outage = 0; outage < 8; outage++) {
      say(failed('refused'));
      link.report(failed('refused'));
      await time.pass(100);
      say(answered);
      const back = time.now();
      while (link.state !== 'online') await time.pass(5);
      delays.push(time.now() - back);
      await time.pass(5);
    }
    expect(delays[7]).toBeGreaterThan((delays[0] ?? 0) * 3);
    expect(Math.max(...delays)).toBeLessThanOrEqual(INTERVALS.ceiling * 2);
  });

  test('remembers its passages, a bounded number of them, and logs each with fault and duration', async () => {
    const { link, time, say, logged } = await rig();
    await time.pass(3990);
    say(failed('refused'));
    link.report(failed('refused'));
    expect(link.timeline.at(-1)).toEqual({ at: time.now(), state: 'offline', fault: 'refused', after: 4000 });
    expect(logged.at(-1)).toMatchObject({ message: 'link lost', fields: { fault: 'refused', afterMs: 4000 } });
    for (let outage = 0; outage < 100; outage++) {
      say(answered);
      while (link.state !== 'online') await time.pass(100);
      await time.pass(5);
      link.report(failed('refused'));
    }
    expect(link.timeline).toHaveLength(100);
  });
});

describe('a request that waits longer than usual', () => {
  test('has the link asked, and a probe that fails as well is believed at once', async () => {
    const { link, say, time, changes } = await rig();
    say(failed('silent'));
    link.slow();
    expect(link.state).toBe('online');
    await time.pass(5);
    expect(link.state).toBe('offline');
    expect(changes.at(-1)).toEqual(['offline', false]);
  });

  test('changes nothing where the cloud still answers', async () => {
    const { link, time, changes } = await rig();
    const before = changes.length;
    link.slow();
    await time.pass(5);
    link.slow();
    link.report(answered);
    await time.pass(5);
    expect([link.state, changes.length]).toEqual(['online', before]);
  });
});

test('a probe that stays silent is not believed where the app has answered since it began: the link is slow', async () => {
  const { link, say, time, changes } = await rig(1000);
  await time.pass(1000);
  expect(link.state).toBe('online');
  const before = changes.length;
  say(failed('silent', 1000));
  link.slow();
  await time.pass(600);
  link.report(answered);
  await time.pass(600);
  expect([link.state, changes.length]).toEqual(['online', before]);
});

describe("the operator's hold", () => {
  test('is told apart from the state, which goes on being known', async () => {
    const { link, changes, say } = await rig();
    link.hold('ann');
    expect([link.held, link.heldBy, link.state]).toEqual([true, 'ann', 'online']);
    say(failed('refused'));
    link.report(failed('refused'));
    link.release('bob');
    expect([link.held, link.heldBy]).toEqual([false, null]);
    expect(changes.slice(1)).toEqual([
      ['online', true],
      ['offline', true],
      ['offline', false],
    ]);
  });

  test('said twice is one hold', async () => {
    const { link, changes } = await rig();
    link.hold('ann');
    link.hold('ann');
    expect(changes.slice(1)).toEqual([['online', true]]);
  });
});

const fate = fc.oneof(
  fc.constant(answered),
  fc
    .constantFrom<Fault[]>('refused', 'unreachable', 'dns', 'reset', 'silent', 'tls', 'gateway', 'portal')
    .map((fault) => failed(fault)),
);

test('I5: a probe that never ends is given up, and another one goes', async () => {
  const time = new Time();
  const fates: Fate[] = [];
  let probes = 0;
  const pacer = createPacer({
    clock: time,
    intervals: INTERVALS,
    jitter: () => 0,
    probe: () => (++probes === 1 ? new Promise<never>(() => undefined) : Promise.resolve(answered)),
    judge(judged) {
      fates.push(judged);
      pacer.schedule('offline');
    },
  });
  pacer.start('offline');
  await time.pass(60_000);
  pacer.stop();
  expect(fates.slice(0, 2)).toMatchObject([{ type: 'failed', fault: 'silent' }, answered]);
});

test('the table: nothing but two good probes in a row leads from offline to online', () => {
  const evidence = fc.record({ from: fc.constantFrom('request' as const, 'probe' as const), fate });
  const law = fc.property(fc.array(evidence), (history) => {
    let phase: Phase = 'offline';
    let good = 0;
    for (const each of history) {
      const seen: Evidence = evidenceOf(each.from, each.fate);
      if (each.from === 'probe') good = each.fate.type === 'answered' ? good + 1 : 0;
      const before = stateOf(phase);
      phase = STEPS[phase][seen].to;
      if (before === 'offline' && stateOf(phase) === 'doubtful') return false;
      if (before === 'offline' && stateOf(phase) === 'online' && good < 2) return false;
    }
    return true;
  });
  expect(() => fc.assert(law)).not.toThrow();
});

test('I11: whatever happens, probes go one at a time; I5: and the return is noticed within seconds', async () => {
  const event = fc.record({ pause: fc.integer({ min: 0, max: 3000 }), probe: fate, request: fc.option(fate) });
  const took = fc.integer({ min: 0, max: 1000 });
  const law = fc.asyncProperty(fc.array(event, { maxLength: 30 }), took, async (events, each) => {
    const { link, time, say, together } = await rig(each);
    for (const { pause, probe, request } of events) {
      say(probe);
      if (request !== null) link.report(request);
      await time.pass(pause);
    }
    say(answered);
    await time.pass(2 * INTERVALS.ceiling + 2 * each);
    return link.state === 'online' && together() === 1;
  });
  await expect(fc.assert(law, { numRuns: 100 })).resolves.toBeUndefined();
});
