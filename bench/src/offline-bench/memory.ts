/** How much memory a process takes, as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** Resident bytes of a process; null where the system does not say (no /proc). */
export function rssOf(pid: number): number | null {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

const EVERY = 100;

/** The most that a process takes while `work` runs, bytes; null where the system does not say. */
export async function mostWhile<T>(pid: number, work: () => Promise<T>): Promise<{ value: T; rss: number | null }> {
  let most = rssOf(pid);
  const timer = setInterval(() => {
    const now = rssOf(pid);
    if (now !== null) most = Math.max(most ?? 0, now);
  }, EVERY);
  try {
    return { value: await work(), rss: most };
  } finally {
    clearInterval(timer);
  }
}
