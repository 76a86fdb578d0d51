/** What came out, for people. */
import type { LoadFigures } from './load.ts';

export interface Row {
  phase: string;
  /** How long it took, ms, and what was done in it. */
  ms: number;
  work: string;
  hits: LoadFigures;
  /** Sales that were made meanwhile, from sending to the cloud's answer, ms. */
  writes: { count: number; p50: number; p99: number };
}

const COLUMNS: readonly [title: string, width: number, cell: (row: Row) => string][] = [
  ['hits', 9, ({ hits }) => hits.hits.toLocaleString('en')],
  ['others', 8, ({ hits }) => String(hits.others)],
  ['disturbed', 11, ({ hits }) => String(hits.disturbed)],
  ['errors', 8, ({ hits }) => String(hits.errors)],
  ['p50 ms', 9, ({ hits }) => hits.p50.toFixed(2)],
  ['p99 ms', 9, ({ hits }) => hits.p99.toFixed(2)],
  ['by second', 11, ({ hits }) => hits.p99OfSeconds.toFixed(2)],
  ['p99.9 ms', 10, ({ hits }) => hits.p999.toFixed(2)],
  ['max ms', 9, ({ hits }) => hits.max.toFixed(1)],
  ['sale p50', 10, ({ writes }) => writes.p50.toFixed(0)],
  ['sale p99', 10, ({ writes }) => writes.p99.toFixed(0)],
  ['took s', 8, ({ ms }) => (ms / 1000).toFixed(1)],
];

export function table(rows: readonly Row[]): string {
  const head = `${''.padEnd(10)}${COLUMNS.map(([title, width]) => title.padStart(width)).join('')}`;
  const lines = rows.map(
    (row) =>
      `${row.phase.padEnd(10)}${COLUMNS.map(([, width, cell]) => cell(row).padStart(width)).join('')}  ${row.work}`,
  );
  return `${[head, ...lines].join('\n')}\n`;
}
