/** The chart: each figure as a bar in shares of its budget, as an SVG that any browser shows. */
import type { Verdict } from './report.ts';

const WIDTH = 860;
const LEFT = 300;
/** Where the budget's line stands, and how far a bar goes at the most. */
const BUDGET = 330;
const MOST = 400;
const ROW = 20;
const TOP = 52;
/** Told apart by lightness too, for those who do not see the colours. */
const PASSED = '#7f8c8d';
const MISSED = '#c0561f';

export function chart(verdicts: readonly Verdict[], title: string): string {
  const height = TOP + verdicts.length * ROW + 20;
  const rows = verdicts.map((verdict, at) => bar(verdict, TOP + at * ROW));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(8, 20, title, 'bold'),
    text(LEFT + BUDGET - 20, TOP - 10, 'budget'),
    ...rows,
    `<path d="M${LEFT + BUDGET} ${TOP - 4}V${height - 16}" stroke="black" stroke-width="1.5"/>`,
    '</svg>',
    '',
  ].join('\n');
}

/** What is beyond the chart's edge ends there; its figure says how far beyond. */
function bar({ what, measured, budget, unit, passed }: Verdict, y: number): string {
  const length = Math.max(1, Math.min(MOST, (measured / budget) * BUDGET));
  const figure = `${measured.toPrecision(3)} of ${budget.toPrecision(3)} ${unit}`;
  return [
    text(8, y + 12, what),
    `<rect x="${LEFT}" y="${y}" width="${length}" height="${ROW - 5}" fill="${passed ? PASSED : MISSED}"/>`,
    text(LEFT + MOST + 10, y + 12, passed ? figure : `${figure}, missed`, passed ? 'normal' : 'bold'),
  ].join('\n');
}

const text = (x: number, y: number, content: string, weight = 'normal') =>
  `<text x="${x}" y="${y}" font-weight="${weight}">${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
