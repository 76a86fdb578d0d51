/** What happens in one trial, made from its seed alone: who does what in which order, and which faults befall when. */
import { FAULTS, type FaultName } from './faults.ts';
import { chanceOf, seedOf, type Chance } from './random.ts';

/** A document by its place: of the opening catalogue, or the n-th that somebody makes in this trial. */
export type Ref = { type: 'opening'; at: number } | { type: 'made'; at: number };

export interface Line {
  product: Ref;
  qty: number;
}

export const FACTS = ['sales', 'returns', 'receipts', 'adjustments'] as const;
export type FactKind = (typeof FACTS)[number];
export const EDITABLE = ['name', 'price', 'reorderLevel'] as const;
export type Field = (typeof EDITABLE)[number];

/** `states`: the device names id, time and day itself, so that its bytes are the same wherever it offers them. */
export type Op =
  | { type: 'fact'; kind: FactKind; lines: Line[]; customer: Ref | null; states: boolean }
  | { type: 'make-product' }
  | { type: 'make-customer' }
  | { type: 'edit'; product: Ref; field: Field; value: number; saw: boolean }
  | { type: 'delete'; product: Ref }
  /** Offers something again that was acknowledged before, as a device does that missed the answer. */
  | { type: 'repeat' }
  | { type: 'look' };

export interface Step {
  op: Op;
  /** Before it, ms. */
  pause: number;
}

export interface DevicePlan {
  user: 'clerk' | 'manager' | 'manager2';
  /** Straight at the cloud: someone of another store. */
  elsewhere: boolean;
  steps: Step[];
}

export interface PlannedFault {
  fault: FaultName;
  /** Begins when so many steps have been done by all devices together. */
  at: number;
  /** Lasts for so many steps, or until nobody does any more. */
  hold: number;
  /** For what else it has to choose. */
  seed: number;
}

export interface Plan {
  seed: number;
  database: 'sqlite' | 'postgresql';
  /** The edge begins with nothing, and fetches the store's documents under these faults. */
  fresh: boolean;
  /** Devices state all they can: only so may another box get what this one has. */
  states: boolean;
  devices: DevicePlan[];
  faults: PlannedFault[];
}

export interface PlanOptions {
  databases: readonly Plan['database'][];
  faults: readonly FaultName[];
}

const STAFF = ['clerk', 'manager', 'clerk', 'manager'] as const;
const OPENING_PRODUCTS = 12;
/** Few, so that devices meet at the same documents. */
const FEW = 5;

/** The plan of the n-th trial of a run; the same for the same arguments. */
export function planOf(runSeed: number, trial: number, options: PlanOptions): Plan {
  const seed = seedOf(runSeed, trial);
  const chance = chanceOf(seed);
  const database = options.databases[trial % options.databases.length] ?? 'sqlite';
  const faults = faultsOf(chance, options.faults);
  const states = faults.some(({ fault }) => FAULTS[fault].losesBox) || chance.happens(0.5);
  const people = 3 + chance.whole(2);
  const devices: DevicePlan[] = STAFF.slice(0, people).map((user) => ({
    user,
    elsewhere: false,
    steps: stepsOf(chance, 8 + chance.whole(8), user, states),
  }));
  devices.push({ user: 'manager2', elsewhere: true, steps: elsewhereOf(chance) });
  return { seed, database, fresh: chance.happens(0.2), states, devices, faults: placed(chance, faults, devices) };
}

function faultsOf(chance: Chance, enabled: readonly FaultName[]): { fault: FaultName }[] {
  const count = enabled.length === 0 ? 0 : 2 + chance.whole(4);
  const faults = Array.from({ length: count }, () => chance.pick(enabled));
  // What only the edge's disk holds has to outlive it, in two trials of five: the first promise (I1, I2).
  if (enabled.includes('cut-and-kill') && chance.happens(0.4)) faults[0] = 'cut-and-kill';
  return faults.map((fault) => ({ fault }));
}

function placed(chance: Chance, faults: { fault: FaultName }[], devices: DevicePlan[]): PlannedFault[] {
  const total = devices.reduce((sum, { steps }) => sum + steps.length, 0);
  return faults
    .map(({ fault }) => ({
      fault,
      at: chance.whole(Math.floor(total * 0.8)),
      hold: 3 + chance.whole(Math.floor(total / 3)),
      seed: chance.whole(2 ** 31),
    }))
    .sort((a, b) => a.at - b.at);
}

function refOf(chance: Chance): Ref {
  if (chance.happens(0.3)) return { type: 'made', at: chance.whole(FEW) };
  return { type: 'opening', at: chance.whole(chance.happens(0.5) ? FEW : OPENING_PRODUCTS) };
}

function linesOf(chance: Chance): Line[] {
  return Array.from({ length: 1 + chance.whole(2) }, () => ({ product: refOf(chance), qty: 1 + chance.whole(4) }));
}

function factOf(chance: Chance, states: boolean): Op {
  const kind = chance.happens(0.7) ? 'sales' : chance.pick(FACTS);
  const customer: Ref | null = chance.happens(0.2) ? { type: 'made', at: chance.whole(FEW) } : null;
  return { type: 'fact', kind, lines: linesOf(chance), customer, states };
}

function stepsOf(chance: Chance, count: number, user: DevicePlan['user'], states: boolean): Step[] {
  const op = (): Op => {
    const roll = chance.next();
    if (roll < 0.12) return { type: 'look' };
    if (roll < 0.2) return { type: 'repeat' };
    if (roll < 0.28) return { type: 'make-customer' };
    if (user === 'clerk' || roll < 0.55) return factOf(chance, states || chance.happens(0.5));
    if (roll < 0.7) return { type: 'make-product' };
    if (roll < 0.92) return editOf(chance, refOf(chance), states || chance.happens(0.5));
    return { type: 'delete', product: { type: 'made', at: chance.whole(FEW) } };
  };
  return Array.from({ length: count }, () => ({ op: op(), pause: chance.whole(60) }));
}

function editOf(chance: Chance, product: Ref, saw: boolean): Op {
  return { type: 'edit', product, field: chance.pick(EDITABLE), value: 1 + chance.whole(1_000_000_000), saw };
}

/** Someone of another store sells and edits there; half of the edits are of what is edited here too. */
function elsewhereOf(chance: Chance): Step[] {
  return Array.from({ length: 3 + chance.whole(4) }, () => {
    const product: Ref = { type: 'opening', at: chance.whole(OPENING_PRODUCTS) };
    const op: Op = chance.happens(0.6) ? editOf(chance, product, true) : factOf(chance, true);
    return { op, pause: chance.whole(250) };
  });
}
