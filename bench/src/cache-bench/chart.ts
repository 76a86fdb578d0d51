/** The chart: requests per second of every product, case by case, as an SVG that any browser shows. */
import type { Summary } from './report.ts';

const WIDTH = 860;
const LEFT = 110;
const BAR = 16;
const GAP = 34;
const TOP = 56;
/** Told apart by lightness too, for those who do not see the colours. */
const COLOURS = ['#7f8c8d', '#b8c4c6', '#c0561f', '#e8a87c'];

export function chart(rows: readonly Summary[], title: string): string {
  const products = [...new Set(rows.map((row) => row.product))];
  const parts: string[] = [];
  let y = TOP;
  for (const name of new Set(rows.map((row) => row.case))) {
    const group = rows.filter((row) => row.case === name);
    // Each case has a scale of its own: a hit of 1 KB and a miss of 50 KB have nothing to say to each other.
    const most = Math.max(...group.map((row) => row.spread[1]));
    parts.push(text(8, y - 6, name, 'bold'));
    for (const row of group) {
      parts.push(bar(row, y, most, COLOURS[products.indexOf(row.product) % COLOURS.length] ?? 'gray'));
      y += BAR + 3;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(8, 20, title, 'bold'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** A bar as long as the median, a line from the lowest to the highest run. */
function bar({ product, requestsPerSecond, spread, ratio, p99 }: Summary, y: number, most: number, colour: string) {
  const scale = (value: number) => LEFT + (value / most) * (WIDTH - LEFT - 260);
  const middle = y + BAR / 2;
  const ratioText = ratio === null ? '' : ` · ${ratio.toFixed(2)}×`;
  const label = `${Math.round(requestsPerSecond).toLocaleString('en')}/s${ratioText} · p99 ${p99.toFixed(2)} ms`;
  return [
    text(8, y + 12, product),
    `<rect x="${LEFT}" y="${y}" width="${scale(requestsPerSecond) - LEFT}" height="${BAR}" fill="${colour}"/>`,
    `<path d="M${scale(spread[0])} ${middle}H${scale(spread[1])}" stroke="black" stroke-width="1.5"/>`,
    text(scale(most) + 8, y + 12, label),
  ].join('\n');
}

const text = (x: number, y: number, content: string, weight = 'normal') =>
  `<text x="${x}" y="${y}" font-weight="${weight}">${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
