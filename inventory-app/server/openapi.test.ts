import { expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from './db/both-databases.ts';
import { EXAMPLES } from './openapi-examples.ts';
import { openApi } from './openapi.ts';
import { NumberGaps, TillStart, TillStartCreate } from '../rules/documents.ts';
import { DOCUMENTS, ROUTES } from './routes.ts';
import { startCloud } from './test-cloud.ts';

const description = openApi();

test('every route is described, under its own name', () => {
  const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
  const names = operations.map((operation) => (operation as { operationId: string }).operationId);
  // The live feed is not in the table.
  expect(names).toHaveLength(ROUTES.length + 1);
  expect(new Set(names).size).toBe(names.length);
});

test('every reference leads somewhere', () => {
  const references = JSON.stringify(description).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g);
  const all = JSON.stringify(description).match(/"\$ref"/g) ?? [];
  const components = description.components as unknown as Record<string, Record<string, unknown>>;
  const found = [...references].filter(([, kind = '', name = '']) => components[kind]?.[name] !== undefined);
  expect(found).toHaveLength(all.length);
  expect(all.length).toBeGreaterThan(100);
});

test('what may be left out of a request need not be in it, and is in the answer', () => {
  const { SaleCreate, Sale } = description.components.schemas as Record<string, { required: string[] }>;
  expect(SaleCreate?.required).toEqual(['storeId', 'lines']);
  expect(Sale?.required).toContain('tenders');
});

test('the examples are what the schemas take, and stand in the description', () => {
  const { 'create-till-starts': start, gaps } = EXAMPLES;
  expect(TillStartCreate.parse(start?.request)).toEqual(start?.request);
  expect(TillStart.strict().parse(start?.answer)).toEqual(start?.answer);
  expect(NumberGaps.strict().parse(gaps?.answer)).toEqual(gaps?.answer);
  const described = JSON.stringify(description);
  for (const { request, answer } of Object.values(EXAMPLES))
    for (const example of [request, answer].filter((each) => each !== undefined))
      expect(described).toContain(JSON.stringify(example));
});

describeBothDatabases('The description', (databases) => {
  test('is served, and the documents are as it says', async () => {
    const cloud = await startCloud(await databases.make());
    const admin = await cloud.as('admin');
    expect((await cloud.ask('/openapi.json')).body).toEqual(JSON.parse(JSON.stringify(description)));
    const line = { productId: 'none', qty: 1 };
    for (const [kind, body] of Object.entries({
      sales: { lines: [{ ...line, unitPrice: 1 }] },
      returns: { lines: [{ ...line, unitPrice: 1 }] },
      receipts: { lines: [{ ...line, unitCost: 1 }] },
      adjustments: { lines: [line], reason: 'found' },
    }))
      await admin(`/${kind}`, { method: 'POST', body: { storeId: 'S001', ...body } });
    await admin('/till-starts', { method: 'POST', body: { storeId: 'S001', till: 'T1', device: 'Counter' } });
    await admin('/categories', { method: 'POST', body: { name: 'Category' } });
    await admin('/customers', { method: 'POST', body: { name: 'Customer', code: 'C' } });
    for (const [resource, schema] of Object.entries(DOCUMENTS)) {
      const { body } = await admin(`/${resource}?limit=500`);
      const docs = body.data as Doc[];
      expect([resource, docs.length > 0]).toEqual([resource, true]);
      // Strict: a field that is not described is as wrong as one that is missing.
      for (const doc of docs) expect(schema.strict().parse(doc)).toEqual(doc);
    }
    await cloud.close();
  });
});
