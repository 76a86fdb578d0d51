/** Writes of a store's staff through the edge, as they come: facts, and proposals of which the cloud refuses some. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Client } from '../stage/client.ts';

const KINDS = [
  'sale',
  'return',
  'receipt',
  'adjustment',
  'till',
  'product',
  'price',
  'rename',
  'delete',
  'category',
  'customer',
  'phone',
] as const;

interface Deed {
  kind: (typeof KINDS)[number];
  /** Which product or customer. */
  at: number;
  qty: number;
  name: string;
}

const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: fc.nat({ max: 30 }),
  qty: fc.integer({ min: 1, max: 9 }),
  name: fc.constantFrom('Tea, loose', 'Crème ﬁne', '100% juice', 'same name', '\u{1F375}', "O'Brien", 'Straße'),
});

export interface Staff {
  clerk: Client;
  manager: Client;
}

/** Does `count` of them, the same for the same seed, one after the other. Returns how many were taken. */
export async function trade(staff: Staff, { seed, count }: { seed: number; count: number }): Promise<number> {
  const ids = async (path: string) =>
    (await staff.clerk.get<{ data: { id: string }[] }>(`${path}?limit=40`)).body.data.map(({ id }) => id);
  const [products, customers] = [await ids('/products'), await ids('/customers')];
  let taken = 0;
  for (const each of fc.sample(deed, { seed, numRuns: count })) {
    const product = products[each.at % products.length] ?? 'none';
    const customer = customers[each.at % customers.length] ?? 'none';
    const { status, body } = await write(staff, each, product, customer);
    if (status >= 500) throw new Error(`a ${each.kind} gave ${status}: ${JSON.stringify(body)}`);
    if (status < 300) taken += 1;
  }
  return taken;
}

function write({ clerk, manager }: Staff, { kind, qty, name }: Deed, productId: string, customerId: string) {
  const store = { storeId: 'S001' };
  const line = { productId, qty };
  const unique = randomUUID();
  switch (kind) {
    case 'sale':
      return clerk.write('POST', '/sales', { ...store, customerId, lines: [{ ...line, unitPrice: 10 * qty }] });
    case 'return':
      return clerk.write('POST', '/returns', { ...store, reason: name, lines: [{ ...line, unitPrice: 10 }] });
    case 'receipt':
      return clerk.write('POST', '/receipts', { ...store, supplier: name, lines: [{ ...line, unitCost: 5 }] });
    case 'adjustment':
      return clerk.write('POST', '/adjustments', { ...store, reason: 'found', lines: [line] });
    case 'till':
      return clerk.write('POST', '/till-starts', { ...store, till: `T${qty}`, device: name });
    case 'product':
      return manager.write('POST', '/products', { sku: unique.slice(0, 20), name, price: qty });
    case 'price':
      return manager.write('PATCH', `/products/${productId}`, { price: 100 * qty });
    case 'rename':
      return manager.write('PATCH', `/products/${productId}`, { name });
    case 'delete':
      return manager.write('DELETE', `/products/${productId}`, undefined);
    case 'category':
      return manager.write('POST', '/categories', { name });
    case 'customer':
      return clerk.write('POST', '/customers', { code: unique.slice(0, 20), name, storeId: qty > 4 ? 'S001' : null });
    case 'phone':
      return clerk.write('PATCH', `/customers/${customerId}`, { phone: `01632 96000${qty}` });
  }
}
