import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { RESOURCES } from '../rules/resources.ts';
import { describeBothDatabases } from './db/both-databases.ts';
import { type Ask, type Cloud, startCloud } from './test-cloud.ts';

describeBothDatabases('Reading', (databases) => {
  let cloud: Cloud;
  let clerk: Ask;
  let manager: Ask;
  let admin: Ask;

  beforeAll(async () => {
    cloud = await startCloud(await databases.make());
    [clerk, manager, admin] = await Promise.all([cloud.as('clerk'), cloud.as('manager'), cloud.as('admin')]);
    const customers = [
      { id: 'c-all', code: 'A', name: 'Åsa', storeId: null },
      { id: 'c-one', code: 'B', name: 'Zoë', storeId: 'S001' },
      { id: 'c-two', code: 'C', name: 'adam', storeId: 'S002' },
    ];
    for (const body of customers) await admin('/customers', { method: 'POST', body });
  });
  afterAll(() => cloud.close());

  const list = async (path: string, by: Ask = clerk) => {
    const { status, body } = await by(path);
    expect([path, status]).toEqual([path, 200]);
    return body as unknown as { data: Doc[]; page: { next: string | null; total: number } };
  };
  const names = async (path: string, by: Ask = clerk) => (await list(path, by)).data.map(({ name }) => name);
  const ids = async (path: string, by: Ask = clerk) => (await list(path, by)).data.map(({ id }) => id);

  test('a search takes every character for itself, % and _ too', async () => {
    const found = (q: string) => names(`/products?q=${encodeURIComponent(q)}`);
    expect(await found('100%')).toEqual(['Coffee 100% arabica']);
    expect(await found('r_c')).toEqual(['Sugar_cube']);
    expect(await found('%a')).toEqual([]);
    expect(await found('CREME  sku-4')).toEqual(['Crème brûlée']);
    expect(await found('5000000000005')).toEqual(['Oats']);
  });

  test('text is in the order of its bytes', async () => {
    expect(await names('/customers', admin)).toEqual(['Zoë', 'adam', 'Åsa']);
    expect(await names('/customers?sort=-name', admin)).toEqual(['Åsa', 'adam', 'Zoë']);
  });

  test.each(['name', '-name', 'price', '-price', 'id', '-id', 'reorderLevel'])(
    'pages by %s, put together, are the whole list',
    async (sort) => {
      const whole = await ids(`/products?sort=${sort}`);
      const pieces: unknown[] = [];
      for (let after = ''; ;) {
        const { data, page } = await list(`/products?sort=${sort}&limit=2${after}`);
        expect(page.total).toBe(5);
        pieces.push(...data.map(({ id }) => id));
        if (page.next === null) break;
        after = `&after=${page.next}`;
      }
      expect(pieces).toEqual(whole);
      expect(whole).toHaveLength(5);
    },
  );

  test('filters by text, truth, ids and time', async () => {
    expect(await ids('/products?sku=SKU-3')).toEqual(['p3']);
    expect(await ids('/products?barcode=5000000000002&active=true')).toEqual(['p2']);
    expect(await ids('/products?active=false')).toEqual([]);
    expect(await ids('/products?ids=p5,none,p1&sort=id')).toEqual(['p1', 'p5']);
    const sell = (id: string, occurredAt: string) => {
      const body = { id, storeId: 'S001', occurredAt, lines: [{ productId: 'p1', qty: 1, unitPrice: 2_500_000_000 }] };
      return clerk('/sales', { method: 'POST', body });
    };
    await sell('t-1', '2026-05-01T08:00:00.000Z');
    await sell('t-2', '2026-05-01T09:00:00.000Z');
    await sell('t-3', '2026-05-01T10:00:00.000Z');
    const hour = 'occurredFrom=2026-05-01T09:00:00.000Z&occurredTo=2026-05-01T10:00:00.000Z';
    expect(await ids(`/sales?${hour}`)).toEqual(['t-2']);
    expect(await ids('/sales')).toEqual(['t-3', 't-2', 't-1']);
    // Totals beyond 32 bits, in filters of the database's own making.
    const first = await list('/sales?sort=-total&limit=1');
    expect(await ids(`/sales?sort=-total&limit=5&after=${first.page.next}`)).toEqual(['t-2', 't-3']);
    expect(await ids(`/movements?productId=p1&${hour}`)).toEqual(['t-2:1']);
  });

  test.each([
    ['/products?colour=red', 'colour'],
    ['/products?limit=501', 'limit'],
    ['/products?sort=barcode', 'sort'],
    ['/products?after=bad', 'after'],
    ['/sales?occurredFrom=yesterday', 'occurredFrom'],
  ])('%s is refused with the parameter named', async (path, parameter) => {
    expect(await clerk(path)).toMatchObject({
      status: 400,
      body: { code: 'invalid-query', errors: [{ path: parameter }] },
    });
  });

  test.each(['/products', '/products/p1', '/stock-levels', '/stores/S001'])(
    '%s has a strong tag, and is not sent to who has it',
    async (path) => {
      const first = await clerk(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"(?:v\d+|l)-[0-9a-f]{16}"$/);
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      const again = await clerk(path, { headers: { 'if-none-match': etag } });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    },
  );

  test('everybody sees their own store, an admin sees all', async () => {
    const level = ['S001:p1', 'S002:p1'];
    expect(await ids('/stock-levels?productId=p1')).toEqual(level.slice(0, 1));
    expect(await ids('/stock-levels?productId=p1', admin)).toEqual(level);
    expect(await ids('/stock-levels?productId=p1', cloud.edge('S002'))).toEqual(level.slice(1));
    expect(await ids('/stock-levels?storeId=S002')).toEqual([]);
    expect(await ids('/customers?sort=id')).toEqual(['c-all', 'c-one']);
    expect(await clerk('/customers/c-two')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await clerk('/stock-levels/S002:p1')).status).toBe(404);
    expect((await admin('/stock-levels/S002:p1')).status).toBe(200);
    expect(await ids('/users', manager)).toEqual(['u-clerk', 'u-manager']);
    expect(await clerk('/users')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(JSON.stringify(await list('/users', admin))).not.toMatch(/scrypt|password/i);
  });

  test.each(RESOURCES)('%s are for those who are signed in', async (resource) => {
    expect(await cloud.ask(`/${resource}`)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect((await admin(`/${resource}`)).status).toBe(200);
    expect((await admin(`/${resource}/no-such`)).status).toBe(404);
  });

  test('every answer says whose it is, the wrong ones too', async () => {
    const installation = (await cloud.ask('/health')).headers.get('inventory-app');
    expect(installation).toMatch(/^[0-9a-f-]{36}$/);
    for (const path of ['/nothing', '/products', '/products/%zz', '/products?limit=x'])
      expect((await clerk(path)).headers.get('inventory-app')).toBe(installation);
    const refused = await clerk('/products', { method: 'PUT', body: {} });
    expect([refused.status, refused.headers.get('allow'), refused.headers.get('inventory-app')]).toEqual([
      405,
      'GET, POST',
      installation,
    ]);
  });

  test('bodies and headers have limits', async () => {
    const large = await clerk('/sales', { method: 'POST', body: { note: 'x'.repeat(1024 * 1024) } });
    expect(large).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
    const { hostname, port } = new URL(cloud.url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v1/health HTTP/1.1\r\nHost: x\r\nLong: ${'x'.repeat(17 * 1024)}\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('the page is served, and may be kept', async () => {
    const response = await fetch(cloud.url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('etag')).not.toBeNull();
    expect(response.headers.get('cache-control')).toBe(
      'public, max-age=60, stale-while-revalidate=86400, stale-if-error=604800',
    );
  });
});
