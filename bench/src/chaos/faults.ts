/** What can befall a trial, by name. A fault begins, holds for a while, and ends; each returns when all is well again. */
import { LINK_MODES, type LinkMode } from '../link-simulator/modes.ts';
import type { Book, Row } from './book.ts';
import type { Device } from './device.ts';
import { chanceOf, type Chance } from './random.ts';
import { canFillDisk, type Part, type World } from './world.ts';

export interface Scene {
  world: World;
  book: Book;
  devices: readonly Device[];
  chance: Chance;
  /** Resolves when the fault has lasted as long as the plan says. */
  hold(): Promise<void>;
}

interface Fault {
  about: string;
  /** A disk goes with what it alone held: devices have to state all they can, so that another box can take it. */
  losesBox?: true;
  /** False: this machine has no means to bring it about. */
  possible?: boolean;
  run(scene: Scene): Promise<void>;
}

type LinkFault = `link-${Exclude<LinkMode, 'up'>}`;
export type FaultName = LinkFault | OwnFault;
type OwnFault = keyof typeof OWN;

const linkFault = (mode: LinkMode): Fault => ({
  about: `the link ${LINK_MODES[mode]}`,
  async run({ world, hold }) {
    await world.link.set(mode);
    await hold();
    await world.link.set('up');
  },
});

const LINK = Object.fromEntries(
  (Object.keys(LINK_MODES) as LinkMode[])
    .filter((mode) => mode !== 'up')
    .map((mode) => [`link-${mode}`, linkFault(mode)]),
) as Record<LinkFault, Fault>;

const crash = (part: Part): Fault => ({
  about: `the ${part} is killed with kill -9 and started again`,
  run: ({ world, hold }) => world.turn(part, () => world.crash(part, hold)),
});

const CLOCK_JUMP = { edge: 3 * 3_600_000, cloud: 10_000 };

/** A cloud's clock is kept, and steps by seconds; a box's may be anywhere. */
const clock = (part: Part): Fault => ({
  about: `the ${part}'s clock is set, forwards or backwards, and later set right`,
  async run({ world, chance, hold }) {
    world.setClock(part, Math.round((chance.next() * 2 - 1) * CLOCK_JUMP[part]));
    await hold();
    world.setClock(part, 0);
  },
});

/** Cuts behind which nothing of a write can have reached the cloud. */
const CUTS = ['down', 'refuse', 'blackhole'] as const;
const WAIT_LIMIT = 3000;

/** Until two writes of after `since` wait in the present box, or for as long as somebody may still write. */
async function waitsHere(book: Book, since: number): Promise<void> {
  const isNew = (row: Row) => row.told === 'waiting' && row.begun > since && book.binding(row);
  const end = performance.now() + WAIT_LIMIT;
  while (book.all.filter(isNew).length < 2 && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

const OWN = {
  delay: {
    about: 'the round trip takes longer, up to half a second',
    async run({ world, chance, hold }) {
      const before = world.link.report().rttMs;
      await world.link.set('up', { rttMs: 50 + chance.whole(450) });
      await hold();
      await world.link.set('up', { rttMs: before });
    },
  },
  'kill-edge': crash('edge'),
  'kill-cloud': crash('cloud'),
  'cut-and-kill': {
    about: 'the link is cut, and the edge killed with kill -9 and started again while acknowledged writes wait in it',
    async run({ world, book, chance, hold }) {
      await world.link.set(chance.pick(CUTS));
      const cut = book.tick();
      await hold();
      await waitsHere(book, cut);
      await world.turn('edge', () => world.crash('edge'));
      await hold();
      await world.link.set('up');
    },
  },
  'full-disk': {
    about: 'no file of the edge may grow: its disk is full, and later has room again',
    possible: canFillDisk,
    run: ({ world, hold }) =>
      world.turn('edge', async () => {
        await world.setDiskFull(true);
        await hold();
        await world.setDiskFull(false);
      }),
  },
  'clock-edge': clock('edge'),
  'clock-cloud': clock('cloud'),
  'restart-device': {
    about: 'a device loses its memory; its outbox is on its disk',
    async run({ devices, chance }) {
      chance.pick(devices).restart();
    },
  },
  upgrade: {
    about: 'the edge is ended and started with a later release of the profile, with what waits',
    run: ({ world, chance }) =>
      world.turn('edge', () => world.changeRelease(1, chance.happens(0.5) ? 'SIGKILL' : 'SIGTERM')),
  },
  rollback: {
    about:
      'the edge is upgraded, and later started with the release before, which refuses if it cannot read what waits',
    async run({ world, hold }) {
      await world.turn('edge', () => world.changeRelease(1, 'SIGTERM'));
      await hold();
      await world.turn('edge', () => world.changeRelease(0, 'SIGTERM'));
    },
  },
  'restore-edge': {
    about: "the edge's data directory is saved, and later put back as it was then",
    losesBox: true,
    async run({ world, book, hold }) {
      await world.turn('edge', () => world.crash('edge', async () => world.saveEdge()));
      await hold();
      await world.turn('edge', () =>
        world.crash('edge', async () => {
          book.loseBox();
          world.restoreEdge();
        }),
      );
    },
  },
  'replace-box': {
    about: 'the edge dies with its disk, and an empty one takes its place',
    losesBox: true,
    run: ({ world, book }) =>
      world.turn('edge', () =>
        world.crash('edge', async () => {
          book.loseBox();
          world.loseEdge();
        }),
      ),
  },
  'restore-cloud': {
    about: "the cloud's database is saved, and later put back as it was then",
    losesBox: true,
    async run({ world, book, hold }) {
      await world.turn('cloud', () => world.crash('cloud', () => world.database.save()));
      await hold();
      await world.turn('cloud', () =>
        world.crash('cloud', async () => {
          book.loseCloud();
          await world.database.restore();
        }),
      );
    },
  },
} satisfies Record<string, Fault>;

export const FAULTS: Readonly<Record<FaultName, Fault>> = { ...LINK, ...OWN };
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** What is tried unless something else is asked for. */
export const USUAL = FAULT_NAMES.filter((name) => FAULTS[name].possible !== false);

export const isFaultName = (word: string): word is FaultName => Object.hasOwn(FAULTS, word);

/** Brings a fault about, with the choices of its seed. */
export const befall = (fault: FaultName, seed: number, scene: Omit<Scene, 'chance'>): Promise<void> =>
  FAULTS[fault].run({ ...scene, chance: chanceOf(seed) });
