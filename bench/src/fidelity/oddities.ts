/** Documents that are hard to sort, search, show or keep apart, written to the cloud as its users would. */
import type { Client } from '../stage/client.ts';

/** Equal names, wildcards, letters of several plains, both ways of composing an accent. */
const NAMES = [
  'Crème brûlée', 'CREME BRULEE', 'Cre\u0300me bru\u0302le\u0301e', '100% juice_box', 'Back\\slash', "O'Brien’s “best”",
  'Straße', 'ｆｕｌｌ ｗｉｄｔｈ', '\u{1F375} tea', '\uFF5E tilde', 'İstanbul', 'same name', 'same name', 'same name', ' z ',
]; // prettier-ignore

/** Writes them, most in the first store, some elsewhere. Its very last write makes a category. */
export async function makeOddities(admin: Client, elsewhere: Client): Promise<void> {
  const made: string[] = [];
  for (const [at, name] of NAMES.entries()) {
    const body = {
      sku: `ODD-${at}`,
      name,
      price: at % 3,
      barcode: at % 2 === 0 ? null : `00${at}`,
      active: at % 4 !== 0,
    };
    made.push(await write(admin, '/products', body));
    const storeId = [null, 'S001', 'S002'][at % 3];
    await write(admin, '/customers', {
      code: `ODD-${at}`,
      name,
      storeId,
      email: at % 2 === 0 ? null : `o${at}@example.com`,
    });
  }
  const occurredAt = '2026-01-09T10:00:00.000Z';
  for (const [at, productId] of made.entries()) {
    const fact = { storeId: 'S001', occurredAt, number: `N-${at % 4}`, note: NAMES[at] };
    const line = { productId, qty: 1 + at, unitPrice: 10 };
    // Nothing of them is in stock, and some are unknown: exceptions.
    await write(admin, '/sales', {
      ...fact,
      lines: [line, { ...line, productId: `unknown-${at}` }],
      fiscal: { at, b: [null, 1.5] },
    });
    await write(elsewhere, '/sales', { ...fact, storeId: 'S002', lines: [line] });
    await write(admin, '/returns', { ...fact, lines: [line], saleNumber: `N-${at % 4}`, reason: '%' });
    await write(admin, '/receipts', {
      ...fact,
      lines: [{ productId, qty: 2, unitCost: 3 }],
      supplier: NAMES[at],
      reference: '_',
    });
    await write(admin, '/till-starts', {
      storeId: 'S001',
      till: `T${1 + (at % 10)}`,
      device: NAMES[at],
      startedAt: occurredAt,
    });
    await write(elsewhere, '/till-starts', { storeId: 'S002', till: `T${1 + (at % 10)}`, device: NAMES[at] });
    await write(admin, '/adjustments', { ...fact, reason: 'found', lines: [{ productId, qty: -1 }] });
  }
  const unused = await write(admin, '/products', { sku: 'GONE', name: 'Gone again', price: 1 });
  await admin.write('DELETE', `/products/${unused}`, undefined);
  const { data } = (await admin.get<{ data: { id: string }[] }>('/customers?q=ODD&limit=9')).body;
  // Into this store's subset, and out of it.
  for (const [at, { id }] of data.entries())
    await admin.write('PATCH', `/customers/${id}`, { storeId: at % 2 === 0 ? 'S001' : 'S002' });
  await write(admin, '/categories', { name: 'The last' });
}

async function write(client: Client, path: string, body: object): Promise<string> {
  const answer = await client.write<{ id: string }>('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path} gave ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}
