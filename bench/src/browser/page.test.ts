import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';
import { missing, startBrowser, type RunningBrowser } from './browser.ts';
import { faintTexts, isStill, overflowing } from './in-page.js';
import { barriersOf } from './barriers.ts';
import { StaffPage, type Look } from './staff-page.ts';

if (missing !== null) process.stderr.write(`${missing} The page is not tested.\n`);

const LOOKS: Look[] = [
  { view: 'desktop', colorScheme: 'light' },
  { view: 'phone', colorScheme: 'dark' },
  { view: 'desktop', colorScheme: 'dark' },
  { view: 'phone', colorScheme: 'light' },
];

const RICE = 'Basmati Rice 1kg';
const BATTERY = '9V Battery';
const VINEGAR = 'Malt Vinegar 568ml';

describe.runIf(missing === null)('The page in a real browser', () => {
  const parts = new AsyncDisposableStack();
  let stage: Stage;
  let chromium: RunningBrowser;
  const opened: StaffPage[] = [];

  beforeAll(async () => {
    stage = parts.adopt(await Stage.start(), (part) => part.close());
    chromium = parts.adopt(await startBrowser(), (part) => part.close());
    await stage.ready();
  });
  afterAll(() => parts.disposeAsync());
  afterEach(async () => {
    await stage.link.set('up');
    for (const staff of opened.splice(0)) await staff.close();
  });

  async function open(look: Look, username?: string): Promise<StaffPage> {
    const staff = await StaffPage.open(chromium.browser, stage.edge.url, look);
    opened.push(staff);
    if (username !== undefined) await staff.signIn(username);
    return staff;
  }

  test.each(LOOKS.slice(0, 2))(
    'sells on through a cut link, and says so: %o',
    async (look) => {
      const clerk = await open(look, 'clerk');
      await clerk.strip(/Connected\. Everything is in the cloud/);
      await clerk.search('basm', RICE);
      await clerk.sell(RICE, 2);
      await clerk.goTo('Sales');
      await clerk.sales(`2 × ${RICE}`).and(clerk.page.locator('[data-waiting=false]')).first().waitFor();

      const manager = await open(look, 'manager');
      await stage.link.set('down');
      await clerk.strip(/Working from this store’s copy, as of \d\d:\d\d/);

      await clerk.goTo('Products');
      await clerk.search('9v bat', BATTERY);
      await clerk.page.locator('.source', { hasText: 'this store’s copy' }).waitFor();
      await clerk.sell(BATTERY, 3);
      await clerk.strip(/1 change waiting/);
      await clerk.goTo('Sales');
      await clerk.waitingSales().first().waitFor();
      expect(await clerk.waitingSales().allTextContents()).toEqual([expect.stringContaining(`3 × ${BATTERY}`)]);

      await clerk.page.reload();
      await clerk.strip(/Working from this store’s copy/);
      await clerk.strip(/1 change waiting/);
      await clerk.waitingSales().first().waitFor();
      expect(await clerk.waitingSales().count()).toBe(1);
      expect(await clerk.page.locator('#user').textContent()).toBe('Casey Clerk');
      await clerk.sell(BATTERY, 1);
      await clerk.goTo('Sales');

      const price = look.view === 'phone' ? '4.21' : '4.12';
      await manager.reprice(RICE, price);
      await manager.product(RICE).locator('.badge', { hasText: 'Waiting' }).waitFor();
      await manager.strip(/3 changes waiting/);

      await stage.link.set('up');
      for (const staff of [clerk, manager]) await staff.strip(/Connected\. Everything is in the cloud/);
      await until('no sale is marked', async () => (await clerk.waitingSales().count()) === 0);
      await clerk.goTo('Changes');
      await clerk.page.getByText('Everything recorded on this device is in the cloud.').waitFor();
      await clerk.goTo('Sales');
      await until('no price is marked', async () => (await manager.page.locator('.badge').count()) === 0);
      expect(await clerk.sales(`3 × ${BATTERY}`).count()).toBeGreaterThan(0);
      const atCloud = await stage.atCloud.signIn('clerk');
      const { body } = await atCloud.get<{ data: { price: number }[] }>(`/products?q=${encodeURIComponent(RICE)}`);
      expect(body.data[0]?.price).toBe(Number(price) * 100);
      expect([...clerk.errors, ...manager.errors]).toEqual([]);
    },
    180_000,
  );

  test('shows a manager the price that someone else has made meanwhile', async () => {
    const manager = await open({ view: 'desktop', colorScheme: 'light' }, 'manager');
    await manager.openPrice(VINEGAR, '9.87');
    const elsewhere = await stage.atCloud.signIn('manager2');
    const { body } = await elsewhere.get<{ data: { id: string }[] }>(`/products?q=${encodeURIComponent(VINEGAR)}`);
    await elsewhere.write('PATCH', `/products/${body.data[0]?.id}`, { price: 654 });
    await manager.page.getByRole('button', { name: 'Change price' }).click();
    await manager.page.getByText('Someone else has just made it £6.54.').waitFor();
    await manager.page.getByRole('button', { name: 'Make it £9.87 anyway' }).click();
    await manager.product(VINEGAR).getByText('£9.87').waitFor();
    // The browser's own line about the refusal; the page has said it better.
    expect(manager.errors).toEqual([expect.stringMatching(/status of 409/)]);
  });

  test('lets somebody in who was here before, and hands the till over by PIN, while the cloud is away', async () => {
    const clerk = await open({ view: 'desktop', colorScheme: 'light' }, 'clerk');
    const { page } = clerk;
    await clerk.choose('PIN');
    await page.getByLabel('PIN', { exact: true }).fill('4711');
    await page.getByRole('button', { name: 'Go on' }).click();
    await clerk.toast('Your PIN is set').waitFor();
    await clerk.choose('Sign out');
    await clerk.signIn('manager');
    await stage.link.set('down');
    await clerk.strip(/Working from this store’s copy/);
    await clerk.choose('Sign out');
    await clerk.signIn('manager');
    await page.locator('#user', { hasText: 'Morgan Manager' }).waitFor();
    await clerk.choose('PIN');
    await page.getByLabel('PIN', { exact: true }).fill('0815');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('That was not the right PIN here.').waitFor();
    await page.getByLabel('PIN', { exact: true }).fill('4711');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator('#user', { hasText: 'Casey Clerk' }).waitFor();
    await clerk.isOpen();
    // The browser's own line about the wrong PIN; the page has said it better.
    expect(clerk.errors).toEqual([expect.stringMatching(/status of 401/)]);
  }, 120_000);

  test('a manager lets somebody in while the cloud is away, who sells, until the manager ends it', async () => {
    const manager = await open({ view: 'desktop', colorScheme: 'light' }, 'manager');
    await manager.strip(/Connected/);
    expect(await manager.choices()).not.toContain('Let someone in');
    await stage.link.set('down');
    await manager.strip(/Working from this store’s copy/);
    await manager.choose('Let someone in');
    await manager.page.getByLabel('Name', { exact: true }).fill('Robin');
    await manager.page.getByRole('button', { name: 'Give a code' }).click();
    const code = (await manager.page.locator('.code', { hasText: /^\d{8}$/ }).textContent()) ?? '';
    await manager.page.getByText('It is shown this once.').waitFor();
    await legible(manager, 'letting somebody in');

    const robin = await open({ view: 'phone', colorScheme: 'light' });
    await robin.signIn('Robin', code);
    await robin.sell(RICE, 1);
    expect(await robin.choices()).not.toContain('Let someone in');

    await manager.page.getByRole('button', { name: 'End Robin’s day' }).click();
    await until('nobody is listed', async () => (await manager.page.locator('.guests li').count()) === 0);
    await robin.page.getByText('Please sign in again.').waitFor();
    // The browser's own lines about answers that are refused; the page has said it better.
    expect(manager.errors).toEqual([]);
    expect(robin.errors.filter((line) => !/status of 401/.test(line))).toEqual([]);
  }, 120_000);

  test.each(LOOKS)('can be read by everybody, in each of its states: %o', async (look) => {
    const staff = await open(look);
    await legible(staff, 'signed out');
    await staff.signIn('manager');
    await legible(staff, 'signed in');
    await staff.page.locator('#products .article').first().click();
    await legible(staff, 'selling');
    await staff.page.getByRole('button', { name: /^Pay / }).click();
    await staff.page.getByLabel('Cash given').waitFor();
    await legible(staff, 'paying');
    await staff.page.getByRole('button', { name: 'Cancel' }).click();
    await stage.link.set('down');
    await staff.strip(/Working from this store’s copy/);
    await staff.page.getByRole('button', { name: /^Pay / }).click();
    await staff.page.getByRole('button', { name: /^Finish / }).click();
    await staff.strip(/waiting/);
    for (const screen of ['Changes', 'Sales', 'Return', 'Products'] as const) {
      await staff.goTo(screen);
      await staff.page.locator('.row').first().waitFor();
      await legible(staff, `${screen}, cut off`);
    }
    expect(staff.errors).toEqual([]);
  });

  async function legible({ page }: StaffPage, state: string): Promise<void> {
    // Colours that are on their way are neither one nor the other.
    await page.waitForFunction(isStill);
    const [outside, faint] = [await page.evaluate(overflowing), await page.evaluate(faintTexts)];
    const barriers = await barriersOf(page);
    expect({ state, outside, faint, barriers }).toEqual({ state, outside: [], faint: [], barriers: [] });
  }
});
