import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage } from '../stage/stage.ts';
import { missing, startBrowser, type RunningBrowser } from './browser.ts';
import { StaffPage } from './staff-page.ts';

interface Product {
  id: string;
  name: string;
  barcode: string;
  price: number;
}
interface Line {
  productId: string;
  qty: number;
}
interface Fact {
  lines: Line[];
  total: number;
  reason: string;
  saleNumber: string | null;
  tenders: { type: string; amount: number }[];
}
interface List<T> {
  data: T[];
}

describe.runIf(missing === null)('Selling and taking back', () => {
  const parts = new AsyncDisposableStack();
  let stage: Stage;
  let chromium: RunningBrowser;
  let clerk: StaffPage;
  let products: Product[];

  beforeAll(async () => {
    stage = parts.adopt(await Stage.start(), (part) => part.close());
    chromium = parts.adopt(await startBrowser(), (part) => part.close());
    await stage.ready();
    clerk = await StaffPage.open(chromium.browser, stage.edge.url, { view: 'desktop', colorScheme: 'light' });
    await clerk.signIn('clerk');
    const cloud = await stage.atCloud.signIn('clerk');
    products = (await cloud.get<List<Product>>('/products?limit=3')).body.data;
  });
  afterAll(() => parts.disposeAsync());

  /** As a scanner types: the code, and Enter, wherever the focus is. */
  async function scan({ barcode }: Product) {
    await clerk.page.keyboard.type(barcode);
    await clerk.page.keyboard.press('Enter');
  }

  const latest = async (kind: 'sales' | 'returns') => {
    const cloud = await stage.atCloud.signIn('clerk');
    return (await cloud.get<List<Fact>>(`/${kind}?storeId=S001&limit=1`)).body.data[0];
  };

  const inTheCloud = async () => {
    await clerk.goTo('Changes');
    await clerk.page.getByText('Everything recorded on this device is in the cloud.').waitFor();
  };

  test('by scanner and keys alone: three articles, cash and change', async () => {
    const [one, two] = products as [Product, Product];
    for (const product of [one, two, one]) await scan(product);
    await clerk.page.locator('#basket .row').nth(1).waitFor();
    await clerk.page.keyboard.press('Enter');
    await clerk.page.getByLabel('Cash given').and(clerk.page.locator(':focus')).waitFor();
    const total = 2 * one.price + two.price;
    await clerk.page.keyboard.type(String(total / 100 + 5));
    await clerk.page.getByText('Change £5.00').waitFor();
    await clerk.page.keyboard.press('Enter');
    await clerk.page.getByRole('heading', { name: '£5.00' }).waitFor();
    await clerk.page.getByRole('button', { name: 'Next sale' }).and(clerk.page.locator(':focus')).waitFor();
    await clerk.page.keyboard.press('Enter');
    await clerk.page.getByText('Scan an article, or choose one, to begin.').waitFor();
    await inTheCloud();
    const sale = await latest('sales');
    expect(sale).toMatchObject({ total, tenders: [{ type: 'cash', amount: total }] });
    expect(sale?.lines.map(({ productId, qty }) => [productId, qty])).toEqual([
      [two.id, 1],
      [one.id, 2],
    ]);
  }, 60_000);

  test('a till numbers its receipts by itself, through a reload and without anybody to ask', async () => {
    await clerk.goTo('Sell');
    await clerk.page.getByLabel('Which till is this?').selectOption('T7');
    await clerk.page.getByRole('button', { name: 'Start this till' }).click();
    await clerk.toast('This is till T7 now.').waitFor();
    const [one] = products as [Product];
    await clerk.sell(one.name, 1);
    await stage.crashEdge(async () => {
      await clerk.strip(/No connection in this spot/);
      await clerk.page.reload();
      await clerk.sell(one.name, 2);
    });
    await inTheCloud();
    const cloud = await stage.atCloud.signIn('clerk');
    const { body } = await cloud.get<List<{ number: string; till: string }>>('/sales?storeId=S001&limit=2');
    const starts = await cloud.get<List<{ till: string; generation: number }>>('/till-starts?storeId=S001');
    expect(starts.body.data).toMatchObject([{ till: 'T7' }]);
    const series = `S001-T7-g${starts.body.data[0]?.generation}`;
    expect(body.data.map(({ number }) => number)).toEqual([`${series}-000002`, `${series}-000001`]);
  }, 90_000);

  test('says of a code that nothing has, that nothing has it, and sells nothing', async () => {
    await clerk.goTo('Sell');
    await clerk.page.getByRole('searchbox').fill('4006381333931');
    await clerk.page.keyboard.press('Enter');
    await clerk.page.getByText('No article has the code 4006381333931.').waitFor();
    await clerk.page.keyboard.press('Escape');
    await clerk.page.keyboard.press('Enter');
    expect(await clerk.page.getByLabel('Cash given').count()).toBe(0);
  }, 60_000);

  test('does not take less cash than the total', async () => {
    const [one] = products as [Product];
    await scan(one);
    await clerk.page.getByRole('button', { name: /^Pay / }).click();
    await clerk.page.getByLabel('Cash given').fill('0.01');
    await clerk.page.keyboard.press('Enter');
    await clerk.page.getByText('The cash given is less than the total.').waitFor();
    await clerk.page.getByRole('button', { name: 'Cancel' }).click();
    expect(await clerk.page.locator('#basket .row').count()).toBe(1);
    await clerk.page.getByRole('button', { name: 'Empty the basket' }).click();
  }, 60_000);

  test('takes back without the receipt, with its number as somebody remembers it', async () => {
    const [one] = products as [Product];
    await clerk.goTo('Return');
    await clerk.page.getByRole('link', { name: 'Without the receipt' }).click();
    await scan(one);
    await clerk.page.locator('#basket .row').first().waitFor();
    await clerk.page.getByRole('button', { name: /^Refund / }).click();
    await clerk.page.getByLabel('Receipt number').fill('S001-0007');
    await clerk.page.getByText('Faulty').click();
    await clerk.page
      .getByRole('dialog')
      .getByRole('button', { name: /^Refund / })
      .click();
    await clerk.toast('Took back 1 ×').waitFor();
    await inTheCloud();
    expect(await latest('returns')).toMatchObject({
      saleNumber: 'S001-0007',
      reason: 'faulty',
      lines: [{ productId: one.id, qty: 1 }],
      total: one.price,
    });
    // The browser's own lines about the edge that was gone; the page has said it better.
    expect(clerk.errors.filter((line) => !/ERR_CONNECTION|Failed to fetch/.test(line))).toEqual([]);
  }, 60_000);
});
