/** What came out, for people and for programs. */
import type { Run } from './measure.ts';

export interface Result {
  case: string;
  product: string;
  runs: Run[];
}

export interface Summary {
  case: string;
  product: string;
  /** Medians of the runs. */
  requestsPerSecond: number;
  p50: number;
  p99: number;
  cpu: number | null;
  microsPerRequest: number | null;
  rssBytes: number | null;
  errors: number;
  originShare: number;
  /** Lowest and highest requests per second of the runs. */
  spread: [number, number];
  /** To the first product in the same case; null where that is not there. Median over the rounds, each with itself. */
  ratio: number | null;
  /** The best run's to the best run's: what is left where other work disturbs most runs. */
  bestRatio: number | null;
  p99Ratio: number | null;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/** `reference`: name of the product that the others are compared with. */
export function summarise(results: readonly Result[], reference: string): Summary[] {
  return results.map((result) => {
    const { runs } = result;
    const peer = results.find((other) => other.case === result.case && other.product === reference);
    const middle = (pick: (run: Run) => number | null) => {
      const values = runs.map(pick).filter((value) => value !== null);
      return values.length === 0 ? null : median(values);
    };
    // Runs of one round lie next to each other in time: what disturbs the machine disturbs both.
    const ratioOf = (pick: (run: Run) => number) =>
      peer === undefined ? null : median(runs.map((run, round) => pick(run) / pick(peer.runs[round] ?? run)));
    const speeds = runs.map((run) => run.requestsPerSecond);
    return {
      case: result.case,
      product: result.product,
      requestsPerSecond: median(speeds),
      p50: middle((run) => run.p50) ?? 0,
      p99: middle((run) => run.p99) ?? 0,
      cpu: middle((run) => run.cpu),
      microsPerRequest: middle((run) => run.microsPerRequest),
      rssBytes: middle((run) => run.rssBytes),
      errors: runs.reduce((sum, run) => sum + run.errors, 0),
      originShare: middle((run) => run.originShare) ?? 0,
      spread: [Math.min(...speeds), Math.max(...speeds)],
      bestRatio: peer === undefined ? null : Math.max(...speeds) / fastestOf(peer.runs),
      ratio: ratioOf((run) => run.requestsPerSecond),
      p99Ratio: ratioOf((run) => run.p99),
    };
  });
}

const fastestOf = (runs: readonly Run[]) => Math.max(...runs.map((run) => run.requestsPerSecond));

const COLUMNS: readonly [title: string, width: number, cell: (row: Summary) => string][] = [
  ['req/s', 10, (row) => Math.round(row.requestsPerSecond).toLocaleString('en')],
  ['lowest–highest', 19, ({ spread: [low, high] }) => `${low.toLocaleString('en')}–${high.toLocaleString('en')}`],
  ['ratio', 8, (row) => times(row.ratio)],
  ['of best', 9, (row) => times(row.bestRatio)],
  ['p50 ms', 9, (row) => row.p50.toFixed(2)],
  ['p99 ms', 9, (row) => row.p99.toFixed(2)],
  ['p99 ratio', 11, (row) => times(row.p99Ratio)],
  ['CPU', 7, (row) => (row.cpu === null ? '–' : `${Math.round(row.cpu * 100)} %`)],
  ['CPU µs/req', 12, (row) => row.microsPerRequest?.toFixed(1) ?? '–'],
  ['RSS MB', 8, (row) => (row.rssBytes === null ? '–' : String(Math.round(row.rssBytes / 1e6)))],
  ['to origin', 11, (row) => `${(row.originShare * 100).toFixed(1)} %`],
  ['errors', 8, (row) => String(row.errors)],
];

const times = (ratio: number | null) => (ratio === null ? '–' : `${ratio.toFixed(2)}×`);

export function table(rows: readonly Summary[], reference: string): string {
  const head = ['', ...COLUMNS.map(([title, width]) => title.padStart(width))];
  const lines = [`${''.padEnd(14)}${head.join('')}   (ratios to ${reference})`];
  for (const name of new Set(rows.map((row) => row.case))) {
    lines.push('', name);
    for (const row of rows.filter((one) => one.case === name))
      lines.push(`  ${row.product.padEnd(12)}${COLUMNS.map(([, width, cell]) => cell(row).padStart(width)).join('')}`);
  }
  return `${lines.join('\n')}\n`;
}
