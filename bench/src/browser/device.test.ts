import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';
import { missing, startBrowser, type RunningBrowser } from './browser.ts';
import { StaffPage } from './staff-page.ts';

const RICE = 'Basmati Rice 1kg';
const SUGAR = 'Caster Sugar 500g';

interface SaleList {
  data: { id: string; lines: { qty: number }[] }[];
  page: { total: number };
}

describe.runIf(missing === null)('A device where neither edge nor cloud answers', () => {
  const parts = new AsyncDisposableStack();
  let stage: Stage;
  let chromium: RunningBrowser;

  beforeAll(async () => {
    stage = parts.adopt(await Stage.start(), (part) => part.close());
    chromium = parts.adopt(await startBrowser(), (part) => part.close());
    await stage.ready();
  });
  afterAll(() => parts.disposeAsync());

  test('searches, sells and takes back through a reload and a closed tab, and each goes up once, in order', async () => {
    const clerk = await StaffPage.open(chromium.browser, stage.edge.url, { view: 'desktop', colorScheme: 'light' });
    await clerk.signIn('clerk');
    await clerk.page.reload();
    await clerk.isKept();
    await clerk.isOpen();
    const elsewhere = await stage.atCloud.signIn('clerk');
    const salesAtCloud = async () => (await elsewhere.get<SaleList>('/sales?storeId=S001')).body;
    const before = (await salesAtCloud()).page.total;

    await stage.crashEdge(async () => {
      await clerk.strip(/No connection in this spot/);
      await clerk.search('basm', RICE);
      await clerk.sell(RICE, 2);
      await clerk.strip(/1 change only on this device/);
      await clerk.page.reload();
      await clerk.sell(SUGAR, 1);
      await clerk.put(RICE, 1);
      await clerk.reopen();
      await clerk.strip(/2 changes only on this device/);
      await clerk.page.locator('#basket .row', { hasText: RICE }).waitFor();
      await clerk.page.getByRole('button', { name: /^Pay / }).click();
      await clerk.page.getByRole('button', { name: /^Finish / }).click();
      await clerk.toast(`Sold 1 × ${RICE}`).waitFor();
      await clerk.goTo('Changes');
      const rows = clerk.page.locator('#changes .row');
      await rows.nth(2).waitFor();
      expect(await rows.allTextContents()).toEqual([
        expect.stringContaining(`2 × ${RICE}`),
        expect.stringContaining(`1 × ${SUGAR}`),
        expect.stringContaining(`1 × ${RICE}`),
      ]);
      await clerk.goTo('Return');
      await clerk.page.getByRole('button', { name: `Take back 2 × ${RICE}` }).click();
      await clerk.page.getByRole('button', { name: 'One more' }).click();
      await clerk.page.getByRole('button', { name: /^Refund/ }).click();
      await clerk.strip(/4 changes only on this device/);
    });

    await clerk.strip(/Connected\. Everything is in the cloud/);
    await clerk.goTo('Changes');
    await clerk.page.getByText('Everything recorded on this device is in the cloud.').waitFor();
    await until('all of it is in the cloud', async () => (await salesAtCloud()).page.total >= before + 3);
    const { data, page } = await salesAtCloud();
    expect(page.total).toBe(before + 3);
    expect(data.slice(0, 3).map(({ lines }) => lines.map(({ qty }) => qty))).toEqual([[1], [1], [2]]);
    const returns = await elsewhere.get<SaleList>('/returns?storeId=S001');
    expect(returns.body.data[0]?.lines[0]?.qty).toBe(2);
    await clerk.close();
  }, 120_000);

  test('keeps what it recorded for whoever signs out, and says so', async () => {
    const clerk = await StaffPage.open(chromium.browser, stage.edge.url, { view: 'phone', colorScheme: 'light' });
    await clerk.signIn('clerk');
    await stage.crashEdge(async () => {
      await clerk.strip(/No connection in this spot/);
      await clerk.sell(SUGAR, 1);
      await clerk.choose('Sign out');
      await clerk.page.getByText('1 change on this device is not in the cloud yet').waitFor();
      const download = clerk.page.waitForEvent('download');
      await clerk.page.getByRole('button', { name: 'Save them to a file' }).click();
      expect((await download).suggestedFilename()).toBe('changes.json');
      await clerk.page.getByRole('button', { name: 'Sign out all the same' }).click();
      await clerk.strip(/1 change only on this device/);
    });
    await clerk.strip(/Connected/);
    await clerk.signIn('clerk');
    await clerk.strip(/Connected\. Everything is in the cloud/);
    await clerk.close();
  }, 120_000);

  test('sees at once what is new, and within a day what was deleted', async () => {
    const clerk = await StaffPage.open(chromium.browser, stage.edge.url, { view: 'desktop', colorScheme: 'light' });
    await clerk.signIn('clerk');
    await clerk.page.clock.install();
    const manager = await stage.atCloud.signIn('manager');
    const name = 'Marmalade, thick cut';
    const { body } = await manager.write<{ id: string }>('POST', '/products', { sku: 'JAM-777', name, price: 310 });
    await clerk.page.getByRole('searchbox').fill('jam-777');
    await clerk.product(name).waitFor();
    await manager.write('DELETE', `/products/${body.id}`, {});
    const store = await stage.atEdge.signIn('clerk');
    await until('the store has heard of it', async () => (await store.get(`/products/${body.id}`)).status === 404);
    await clerk.page.clock.fastForward('25:00:00');
    await clerk.product(name).waitFor({ state: 'detached' });
    await clerk.page.getByText('Nothing matches “jam-777”.').waitFor();
    expect(clerk.errors).toEqual([]);
    await clerk.close();
  }, 120_000);
});
