/** Times as figures, ms. */
export interface Figures {
  count: number;
  p50: number;
  p99: number;
  most: number;
}

export function figuresOf(times: readonly number[]): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: times.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}
