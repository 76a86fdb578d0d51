/** What came out, beside the budgets of the design. */
import type { Figures } from './figures.ts';
import { FIRST, type ReadFigures } from './reads.ts';
import type { ShopSize } from './shop.ts';
import type { WriteFigures } from './writes.ts';

export interface Results {
  date: string;
  /** `load`: what else wanted a core when it began, as `uptime` has it. */
  machine: { cpu: string; cores: number; memoryBytes: number; node: string; load: number };
  setting: ShopSize & { entries: number; reads: number; rttMs: number };
  bootstrap: { seconds: number; documents: number; bytes: number };
  fsync: Figures;
  reads: ReadFigures[];
  /** By the number of writers who each wait for their answer. `steady`: at a constant rate, timed from the intended start. */
  writes: { one: WriteFigures; steady: WriteFigures; hundred: WriteFigures };
  replay: { entries: number; seconds: number; directSeconds: number; ratio: number };
  start: { firstAnswerMs: number; waiting: number };
  /** Resident bytes of the edge; null where the system does not say. */
  rss: Record<'empty' | 'bootstrap' | 'atRest' | 'reading' | 'writing' | 'replaying' | 'started', number | null>;
}

/** A figure and what it was to be. `unit` goes behind both. */
export interface Verdict {
  what: string;
  measured: number;
  budget: number;
  unit: string;
  passed: boolean;
}

const BOOTSTRAP_SECONDS = 60;
const READ_MS = 10;
const REPLAY_RATIO = 1.5;
const START_MS = 1000;
const FSYNCS = 3;
const WRITE_MS = 10;

export function verdictsOf({ bootstrap, reads, writes, fsync, replay, start }: Results): Verdict[] {
  const verdict = (what: string, measured: number, budget: number, unit: string): Verdict => ({
    what,
    measured,
    budget,
    unit,
    passed: measured <= budget,
  });
  const durable = FSYNCS * fsync.p50 + WRITE_MS;
  return [
    verdict('bootstrap', bootstrap.seconds, BOOTSTRAP_SECONDS, 's'),
    ...reads
      .filter(({ kind }) => kind !== 'item')
      .map(({ kind, request, p99 }) => verdict(`${kind} p99: ${request}`, p99, READ_MS, 'ms')),
    verdict('offline write p99, 1 writer', writes.one.p99, durable, 'ms'),
    verdict('offline write p99, 100 a second', writes.steady.p99, durable, 'ms'),
    verdict('offline write p99, 100 writers', writes.hundred.p99, durable, 'ms'),
    verdict(`replay of ${replay.entries}, to the cloud's own time`, replay.ratio, REPLAY_RATIO, '×'),
    verdict('first answer after kill -9, cut off', start.firstAnswerMs, START_MS, 'ms'),
  ];
}

/** What was not to be: answers that were none of the replica's, or not taken. */
export function oddities({ reads, writes }: Results): string[] {
  const odd = [
    ...reads.map((row) => [row.request, row.odd] as const),
    ['writes, 1 writer', writes.one.odd] as const,
    ['writes, 100 a second', writes.steady.odd] as const,
    ['writes, 100 writers', writes.hundred.odd] as const,
  ];
  return odd.filter(([, count]) => count > 0).map(([what, count]) => `${what}: ${count} answers were not as expected`);
}

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));
const mega = (bytes: number | null) => (bytes === null ? '–' : `${Math.round(bytes / 1e6)} MB`);

export function table(results: Results): string {
  const { machine, setting, reads, writes, fsync, rss, bootstrap, replay } = results;
  const size = `${setting.products.toLocaleString('en')} products, ${setting.movements.toLocaleString('en')} movements`;
  const verdicts = verdictsOf(results).map(
    ({ what, measured, budget, unit, passed }) =>
      `  ${what.padEnd(52)}${`${number(measured)} ${unit}`.padStart(12)}${`${number(budget)} ${unit}`.padStart(12)}   ${passed ? 'pass' : 'MISS'}`,
  );
  const line = (name: string, { count, p50, p99, most }: Figures, ...more: number[]) =>
    `  ${name.padEnd(36)}${String(count).padStart(8)}${[p50, p99, most, ...more].map((ms) => number(ms).padStart(10)).join('')}`;
  return [
    `${size}; ${bootstrap.documents.toLocaleString('en')} documents in the replica; link of ${setting.rttMs} ms.`,
    `${machine.cores} cores, of which other work wanted ${number(machine.load)} when it began.`,
    '',
    `  ${''.padEnd(52)}${'measured'.padStart(12)}${'budget'.padStart(12)}`,
    ...verdicts,
    '',
    `  ${'ms'.padEnd(36)}${['count', 'p50', 'p99', 'most', `first ${FIRST}`].map((head, at) => head.padStart(at === 0 ? 8 : 10)).join('')}`,
    ...reads.map((row) => line(row.request, row, row.first.most)),
    line('offline write, 1 writer', writes.one),
    line('offline write, 100 a second', writes.steady),
    line('offline write, 100 writers', writes.hundred),
    line('fsync of this disk', fsync),
    '',
    `  offline writes a second: ${number(writes.one.perSecond)} by 1 writer, ${number(writes.hundred.perSecond)} by 100`,
    `  replay: ${number(replay.seconds)} s; the cloud alone, asked directly: ${number(replay.directSeconds)} s`,
    `  memory (RSS): ${Object.entries(rss)
      .map(([when, bytes]) => `${when} ${mega(bytes)}`)
      .join(', ')}`,
    ...oddities(results).map((text) => `  ODD: ${text}`),
    '',
  ].join('\n');
}
