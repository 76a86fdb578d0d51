/** What an import did, and what it left out and why. Every line of the file is in `kept` or in `skipped`. */
export interface ImportReport {
  lines: number;
  kept: number;
  /** Lines left out, by the reason. */
  skipped: Map<string, number>;
  /** Lines that were kept, but not quite as they stood. */
  changed: Map<string, number>;
  /** Rows written, by what they are. */
  written: Map<string, number>;
  seconds: number;
}

export function emptyReport(): ImportReport {
  return { lines: 0, kept: 0, skipped: new Map(), changed: new Map(), written: new Map(), seconds: 0 };
}

export function count(counts: Map<string, number>, what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

const number = new Intl.NumberFormat('en-GB');

/** The report for people, in lines of text. */
export function reportText({ lines, kept, skipped, changed, written, seconds }: ImportReport): string {
  return [
    `Read ${number.format(lines)} lines and kept ${number.format(kept)}, in ${seconds.toFixed(1)} s.`,
    ...section('Written', written),
    ...section('Changed on the way (lines)', changed),
    ...section('Left out (lines)', skipped),
  ].join('\n');
}

function section(title: string, counts: Map<string, number>): string[] {
  if (counts.size === 0) return [];
  const sorted = [...counts].toSorted(([, one], [, other]) => other - one);
  return [`${title}:`, ...sorted.map(([what, n]) => `  ${number.format(n).padStart(9)}  ${what}`)];
}
