/**
 * I8 as a law: whatever people, cloud, link and clocks do, nobody does here what the cloud's last word on them did not
 * allow, nor anything but record facts once the grace period is over; and nobody is kept from less than that.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { StateStore } from '@larder/sync/client';
import type { LinkState } from '@larder/sync/link';
import type { App, Doc, SignIn, Standings } from '@larder/sync/profile';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { test } from 'vitest';
import type { Cloud } from '../cloud.ts';
import { createLog } from '../log.ts';
import type { Caller } from './caller.ts';
import { openClock } from './clock.ts';
import type { EdgeClock } from './clock.ts';
import { askAbout } from './contact.ts';
import { GRACE } from './grace.ts';
import { createIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { openKnown } from './known.ts';
import type { Known } from './known.ts';
import { signInHere } from './sign-in.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-11-20T10:00:00Z');
const LIFE = 12 * HOUR;
const USERS = ['ann', 'bob'];
const ROLES = ['clerk', 'manager', null] as const;
/** Null: not active, or in another store. */
type Role = (typeof ROLES)[number];

type Step =
  | { do: 'sign in' | 'use a token' | 'sign in here' | 'use a session'; user: number; which: number }
  | { do: 'decide'; user: number; role: Role }
  | { do: 'wait'; hours: number }
  | { do: 'turn the clock back'; hours: number }
  | { do: 'cut' | 'link up' | 'contact' | 'restart' };

const user = fc.nat({ max: USERS.length - 1 });
const which = fc.nat({ max: 3 });
const person = (name: Extract<Step, { which: number }>['do']) => fc.record({ do: fc.constant(name), user, which });
const plain = (name: 'cut' | 'link up' | 'contact' | 'restart') => fc.record({ do: fc.constant(name) });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: person('sign in') },
    { weight: 6, arbitrary: person('use a token') },
    { weight: 3, arbitrary: person('sign in here') },
    { weight: 5, arbitrary: person('use a session') },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('decide'), user, role: fc.constantFrom(...ROLES) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait'), hours: fc.integer({ min: 1, max: 120 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('turn the clock back'), hours: fc.nat({ max: 400 }) }) },
    { weight: 3, arbitrary: plain('cut') },
    { weight: 2, arbitrary: plain('link up') },
    { weight: 1, arbitrary: plain('contact') },
    { weight: 1, arbitrary: plain('restart') },
  ),
  { minLength: 10, maxLength: 60 },
);

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] };

const app: Pick<App, 'keys' | 'user'> = {
  keys: '/keys',
  user: ({ claims }) => (claims === null ? null : { id: String(claims['sub']), store: 'S1' }),
};
const signIn: SignIn = {
  route: 'POST /session',
  read: () => null,
  token: () => null,
  answer: (_res, token) => ({ status: 200, headers: {}, body: token }),
};
const standings: Standings = {
  ask: () => ({ path: '/standings' }),
  read: (res) => res.body as { at: number; claims: Record<string, Doc> },
};
const log = createLog('test', 'silent');

/** All that the cloud last allowed them, and no more. */
const assertMay = (caller: Caller | null, role: Role | undefined) =>
  assert.deepEqual([caller?.allowed, caller?.claims['role']], ['all', role]);

/** The world, and what should be so in it. */
class World {
  /** Real time, which only the cloud knows. */
  time = START;
  wall = START;
  link: { state: LinkState; held: boolean } = { state: 'online', held: false };
  readonly kept = new Map<string, string>();
  readonly roles: Role[] = USERS.map(() => 'clerk');
  /** What the cloud last said of each to this edge; undefined: nothing. And when it last accepted their credential. */
  readonly said: (Role | undefined)[] = USERS.map(() => undefined);
  readonly accepted = USERS.map(() => 0);
  /** Until when all tokens are void, and since when the sessions of this edge count. */
  readonly revoked = USERS.map(() => 0);
  readonly hasPassword = USERS.map(() => false);
  readonly tokens: { text: string; issued: number }[][] = USERS.map(() => []);
  readonly sessions: { text: string; generation: number }[][] = USERS.map(() => []);
  /** Raised whenever what the edge gave so far is void. */
  readonly generation = USERS.map(() => 0);
  clock!: EdgeClock; // set by `start`, as are the others
  known!: Known;
  identity!: Identity;

  readonly state: StateStore = {
    get: async (key) => this.kept.get(key),
    set: async (key, value) => void this.kept.set(key, value),
    delete: async (key) => this.kept.delete(key),
    list: async (prefix) => [...this.kept].filter(([key]) => key.startsWith(prefix)),
  };

  readonly cloud: Pick<Cloud, 'request'> = {
    request: async ({ path }) => {
      const body = JSON.stringify(path === '/keys' ? keys : { at: this.time, claims: this.#claims() });
      return { status: 200, headers: {}, early: () => null, body: Readable.from([Buffer.from(body)]) };
    },
  };

  #claims(): Record<string, Doc> {
    const active = USERS.flatMap((name, at) =>
      this.roles[at] == null ? [] : [[name, { sub: name, role: this.roles[at] }]],
    );
    return Object.fromEntries(active) as Record<string, Doc>;
  }

  async start(): Promise<void> {
    const { state, cloud, link } = this;
    this.clock = await openClock(state, 0, { wall: () => this.wall, uptime: () => this.time });
    const clock = () => this.clock.now();
    this.known = await openKnown({ state, sealKey: new Uint8Array(32), clock, timeZone: 'UTC', log, cost: 4 });
    this.identity = createIdentity({ app, cloud, known: this.known, state, clock, link, log });
    await this.identity.refresh();
  }

  get isOnline(): boolean {
    return this.link.state === 'online';
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'sign in':
        return this.#signIn(step.user);
      case 'use a token':
        return this.#useToken(step.user, step.which);
      case 'sign in here':
        return this.#signInHere(step.user);
      case 'use a session':
        return this.#useSession(step.user, step.which);
      case 'decide':
        this.roles[step.user] = step.role;
        return this.#pass(HOUR);
      case 'wait':
        return this.#pass(step.hours * HOUR);
      case 'turn the clock back':
        this.wall -= step.hours * HOUR;
        return;
      case 'cut':
        this.link.state = 'offline';
        return;
      case 'link up':
        this.link.state = 'online';
        return this.#contact();
      case 'contact':
        return this.#contact();
      case 'restart':
        await this.clock.keep();
        return this.start();
    }
  }

  #pass(ms: number): void {
    this.time += ms;
    this.wall += ms;
    // The edge looks at its clock all the time.
    this.clock.now();
  }

  async #contact(): Promise<void> {
    if (!this.isOnline) return;
    this.#pass(HOUR);
    const { cloud, clock, known } = this;
    const { people } = known;
    const before = people.all().map(({ id }) => USERS.indexOf(id));
    await askAbout({ standings, credential: 'Bearer edge', cloud, people, clock, link: this.link, log });
    for (const at of before) {
      const role = this.roles[at] ?? null;
      if (role !== this.said[at]) this.generation[at] = (this.generation[at] ?? 0) + 1;
      if (role === null) [this.revoked[at], this.accepted[at], this.hasPassword[at]] = [this.time, 0, false];
      this.said[at] = role;
    }
  }

  /** At the cloud, through this edge. */
  async #signIn(at: number): Promise<void> {
    const role = this.roles[at] ?? null;
    if (!this.isOnline || role === null) return;
    this.#pass(HOUR);
    const text = await new SignJWT({ role })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setSubject(USERS[at] ?? '')
      .setIssuedAt(this.time / 1000)
      .setExpirationTime((this.time + LIFE) / 1000)
      .sign(privateKey);
    const authorization = `Bearer ${text}`;
    assertMay(await this.identity.identify({ authorization }), role);
    const token = this.identity.tokenOf(authorization);
    if (token?.id == null || token.issued === null) throw new Error('a good token is not known');
    const verifier = await this.known.verifier.make('secret');
    const answer = { status: 200, headers: {}, body: null };
    const word = { id: token.id, claims: token.claims, saidAt: token.issued };
    await this.known.people.signedIn(word, { name: token.id, verifier, answer });
    this.tokens[at]?.push({ text, issued: this.time });
    [this.said[at], this.accepted[at], this.hasPassword[at]] = [role, this.time, true];
  }

  async #useToken(at: number, number: number): Promise<void> {
    const tokens = this.tokens[at] ?? [];
    const token = tokens[number % tokens.length];
    if (token === undefined) return;
    const caller = await this.identity.identify({ authorization: `Bearer ${token.text}` });
    const isVoid = token.issued <= (this.revoked[at] ?? 0);
    if (this.isOnline) {
      // Its end, which the cloud looks at too, is judged by a clock that may have gone back.
      if (isVoid || this.time >= token.issued + LIFE) return assert.equal(caller, null);
      assertMay(caller, this.said[at]);
      return;
    }
    this.#judge(caller, at, isVoid, Math.max(this.accepted[at] ?? 0, token.issued));
  }

  /** By their password, at this edge. */
  async #signInHere(at: number): Promise<void> {
    if (this.isOnline) return;
    const deps = { signIn, known: this.known, clock: () => this.clock.now() };
    const wanted = { name: USERS[at] ?? '', password: 'secret' };
    const may = this.hasPassword[at] === true && this.time < (this.accepted[at] ?? 0) + GRACE;
    const outcome = await signInHere(deps, wanted, `address ${this.time}`).then(
      ({ body }) => String(body),
      () => null,
    );
    await this.known.lockout.clear(`name:${wanted.name}`);
    assert.equal(outcome !== null, may);
    if (outcome !== null) this.sessions[at]?.push({ text: outcome, generation: this.generation[at] ?? 0 });
    this.#pass(HOUR);
  }

  async #useSession(at: number, number: number): Promise<void> {
    const sessions = this.sessions[at] ?? [];
    const session = sessions[number % sessions.length];
    if (session === undefined) return;
    const caller = await this.identity.identify({ authorization: `Bearer ${session.text}` });
    this.#judge(caller, at, session.generation !== this.generation[at], this.accepted[at] ?? 0);
  }

  #judge(caller: Caller | null, at: number, isVoid: boolean, since: number): void {
    if (isVoid || this.said[at] == null) return assert.equal(caller, null);
    if (this.time - since < GRACE) {
      assertMay(caller, this.said[at]);
      return;
    }
    assert.equal(caller?.allowed ?? 'facts', 'facts');
  }
}

test('I8: nobody ever does offline what the cloud did not last allow them, and never past the grace period', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const world = new World();
      await world.start();
      for (const step of taken) await world.take(step);
    }),
    { numRuns: 500 },
  );
}, 240_000);
