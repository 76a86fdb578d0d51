/** The chart: what hits waited for, phase by phase, as an SVG that any browser shows. */
import type { Row } from './report.ts';

const WIDTH = 860;
const LEFT = 200;
const RIGHT = 250;
const BAR = 18;
const STEP = 40;
const TOP = 60;

/** `goal`: the 99th percentile that is allowed, ms. */
export function chart(rows: readonly Row[], goal: number, title: string): string {
  const height = TOP + rows.length * STEP + 30;
  const most = Math.max(goal * 1.2, ...rows.map(({ hits }) => hits.p99));
  const x = (ms: number) => LEFT + (Math.min(ms, most) / most) * (WIDTH - LEFT - RIGHT);
  const bars = rows.flatMap(({ phase, hits }, at) => {
    const y = TOP + at * STEP;
    const label = `p50 ${hits.p50.toFixed(2)} · p99 ${hits.p99.toFixed(2)} · max ${hits.max.toFixed(1)} ms`;
    return [
      text(8, y + 13, phase),
      `<rect x="${LEFT}" y="${y}" width="${x(hits.p99) - LEFT}" height="${BAR}" fill="#e8a87c"/>`,
      `<rect x="${LEFT}" y="${y}" width="${x(hits.p50) - LEFT}" height="${BAR}" fill="#c0561f"/>`,
      text(WIDTH - RIGHT + 16, y + 13, label),
    ];
  });
  const line = `<path d="M${x(goal)} ${TOP - 12}V${height - 20}" stroke="black" stroke-dasharray="4 3"/>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(8, 20, title, 'bold'),
    text(8, 38, `Dark: the median; light: the 99th percentile; dashed: the goal of ${goal} ms.`),
    ...bars,
    line,
    '</svg>',
    '',
  ].join('\n');
}

const text = (x: number, y: number, content: string, weight = 'normal') =>
  `<text x="${x}" y="${y}" font-weight="${weight}">${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
