/** A soft purge: what was fresh is stale from now on, and may still be used as the rules for stale responses allow. */
import type { Metadata } from './response.ts';

/** The response as it is after a soft purge at `at` (ms since 1970). Its stale windows begin there; they do not grow. */
export function softened<T extends Metadata>(stored: T, at: number): T {
  const lost = stored.freshUntil - at;
  if (lost <= 0) return stored;
  const earlier = (limit: number) => (limit === 0 ? 0 : limit - lost);
  return {
    ...stored,
    freshUntil: at,
    staleWhileRevalidateUntil: earlier(stored.staleWhileRevalidateUntil),
    staleIfErrorUntil: earlier(stored.staleIfErrorUntil),
    staleIfOfflineUntil: earlier(stored.staleIfOfflineUntil),
  };
}
