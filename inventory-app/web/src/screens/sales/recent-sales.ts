/** The latest sales: what is read, and before it what only this device has. */
import { useQuery } from '@tanstack/react-query';
import type { FactLine } from '../../device/db.ts';
import { useOutbox } from '../../device/hooks.ts';
import { readSales } from '../../device/reads.ts';
import { amountOf, type Sale } from '../../documents.ts';
import type { Source } from '../../net/request.ts';

/** A sale that was recorded here has its prices in its lines. */
type SaleLines = readonly (FactLine & { unitPrice: number })[];

/** Others sell too, ms. */
const AGAIN = 3_000;

export interface ShownSale {
  id: string;
  number: string | null;
  /** ms since 1970. */
  at: number;
  lines: readonly { productId: string; qty: number; unitPrice: number; description?: string | null }[];
  total: number;
  isWaiting: boolean;
}

export interface RecentSales {
  sales: readonly ShownSale[];
  total: number;
  /** Undefined until something was read. */
  source: Source | undefined;
  error: Error | null;
}

const fromList = (sale: Sale): ShownSale => ({
  ...sale,
  at: Date.parse(sale.occurredAt),
  // When the cloud wrote it down is what a sale lacks until it did.
  isWaiting: sale.recordedAt === undefined,
});

export function useRecentSales(storeId: string): RecentSales {
  const outbox = useOutbox();
  const { data, error } = useQuery({
    queryKey: ['sales', storeId, outbox.map(({ seq, state }) => `${seq}${state}`).join()],
    queryFn: () => readSales(storeId),
    refetchInterval: AGAIN,
    placeholderData: (previous) => previous,
  });
  const known = new Set(data?.data.map(({ id }) => id));
  const own = outbox
    .filter(({ kind, body }) => kind === 'sales' && body.storeId === storeId && !known.has(body.id))
    .map(({ body }) => fromList({ number: null, ...body, total: amountOf(body.lines as SaleLines) } as unknown as Sale))
    .toReversed();
  const read = (data?.data ?? []).map(fromList);
  return { sales: [...own, ...read], total: (data?.total ?? 0) + own.length, source: data?.source, error };
}
