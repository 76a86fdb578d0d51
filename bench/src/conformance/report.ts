/** What the runs came to, kept as data beside the other measurements, and docs/conformance.md made of it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../stage/process.ts';
import type { Outcome } from './run.ts';
import type { Kind, Suite } from './suite.ts';
import { unpassedIn } from './unpassed.ts';

export interface Score {
  passed: number;
  total: number;
}

/** One run, as it is kept. */
export interface Summary {
  /** Which revision of the suite. */
  label: string;
  released: boolean;
  score: Record<Kind, Score>;
  /** Required and optimal tests that failed. */
  unpassed: { id: string; kind: Kind; message: string }[];
}

const RESULTS = join(ROOT, 'bench/results/conformance');
const PAGE = join(ROOT, 'docs/conformance.md');

export function summarise({ released }: Suite, label: string, outcomes: readonly Outcome[]): Summary {
  const scoreOf = (kind: Kind): Score => {
    const mine = outcomes.filter((outcome) => outcome.kind === kind);
    return { passed: mine.filter(({ passed }) => passed).length, total: mine.length };
  };
  const unpassed = outcomes.filter(({ kind, passed }) => !passed && kind !== 'check');
  return {
    label,
    released,
    score: { required: scoreOf('required'), optimal: scoreOf('optimal'), check: scoreOf('check') },
    unpassed: unpassed.map(({ id, kind, message }) => ({ id, kind, message })),
  };
}

/** Keeps the run in place of an earlier one of the same revision, and makes the page anew. */
export async function keep(summary: Summary): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const name = summary.label.replaceAll(/[^\w.]+/g, '-').toLowerCase();
  await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify(summary, null, 2)}\n`);
  const files = (await readdir(RESULTS)).filter((file) => file.endsWith('.json')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(RESULTS, file), 'utf8')));
  await writeFile(PAGE, pageOf(texts.map((text) => JSON.parse(text) as Summary)));
}

/** Passed in the revision of July 2026, each product in front of the same origin; null: not published. */
const OTHERS: readonly [product: string, required: number, optimal: number | null][] = [
  ['Apache Traffic Server 9.2', 134, 73],
  ['Apache httpd 2.4', 131, 68],
  ['undici 8 cache interceptor (through a minimal proxy)', 125, null],
  ['Squid 5.7', 121, 58],
  ['Caddy + Souin (published)', 121, 44],
  ['Varnish 7.1', 119, 45],
  ['http-cache-semantics (through a minimal proxy)', 115, null],
  ['nginx 1.22', 100, 58],
  ['HAProxy 2.6', 89, 39],
];

export function pageOf(summaries: readonly Summary[]): string {
  const newest = summaries.filter(({ released }) => !released);
  return [
    '# Conformance of the HTTP cache',
    '',
    'Made by `npm run conformance`; do not edit.',
    '',
    'The public suite [http-cache-tests](https://cache-tests.fyi/) against a real edge, started as a plain proxy, over real sockets. `required` is what the RFCs demand, `optimal` what they allow and a good cache does. A test counts as passed only where all that it depends on passes too.',
    '',
    '```',
    'npm run conformance                                            # the released package; also part of npm test',
    'npm run conformance -- --suite <checkout> --label <revision>   # another revision of the suite',
    '```',
    '',
    ...table(
      ['Larder, suite', 'required', 'optimal'],
      summaries.map(({ label, score }) => [label, outOf(score.required), outOf(score.optimal)]),
    ),
    '',
    'The others, measured with the revision of July 2026 (160 required, 105 optimal) on two cores:',
    '',
    ...table(
      ['', 'required /160', 'optimal /105'],
      [
        ...newest.map(({ score }) => ['**Larder**', `**${score.required.passed}**`, `**${score.optimal.passed}**`]),
        ...OTHERS.map(([product, required, optimal]) => [product, String(required), String(optimal ?? '–')]),
      ],
    ),
    '',
    '## Not passed, and why',
    ...summaries.flatMap(unpassedOf),
    '',
  ].join('\n');
}

const outOf = ({ passed, total }: Score) => `${passed} of ${total}`;

function unpassedOf(summary: Summary): string[] {
  const reasons = unpassedIn(summary);
  const rows = summary.unpassed.map(({ id, kind }) => [`\`${id}\``, kind, reasons.get(id) ?? 'Not yet explained.']);
  return ['', `### ${summary.label}`, '', ...table(['test', '', 'reason'], rows)];
}

function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}
