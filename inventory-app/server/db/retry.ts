/** Which errors say: the database gave this transaction up, the same one may succeed now. */

/** Prisma: "write conflict or deadlock" (40001, 40P01); "operations timed out" (SQLITE_BUSY in the SQLite adapter). */
const PRISMA_CODES = new Set(['P2034', 'P1008']);
/** Adapters' own words for the same, which raw queries carry inside a P2010. */
const ADAPTER_KINDS = new Set(['TransactionWriteConflict', 'SocketTimeout']);

export function isRetryable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, meta } = error as Error & { code?: unknown; meta?: { driverAdapterError?: { cause?: unknown } } };
  if (typeof code !== 'string') return false;
  if (PRISMA_CODES.has(code)) return true;
  const cause = meta?.driverAdapterError?.cause as { kind?: unknown } | undefined;
  return code === 'P2010' && typeof cause?.kind === 'string' && ADAPTER_KINDS.has(cause.kind);
}
