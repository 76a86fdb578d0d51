/** Takes the pictures of the page in `docs/screens`: every main state of it, from real processes. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../stage/process.ts';
import { Stage } from '../stage/stage.ts';
import { startBrowser } from './browser.ts';
import { isStill } from './in-page.js';
import { StaffPage, type Look } from './staff-page.ts';

const HELP = `npm run screens

Writes pictures of the inventory page, in its main states, to docs/screens. Takes about a minute.
`;
const BASKET: readonly (readonly [string, number])[] = [
  ['Still Water 1.5l', 2],
  ['Basmati Rice 1kg', 1],
  ['AA Batteries x4', 1],
];
const DIRECTORY = join(ROOT, 'docs/screens');
const DESKTOP: Look = { view: 'desktop', colorScheme: 'light' };
const DARK: Look = { view: 'desktop', colorScheme: 'dark' };
const PHONE: Look = { view: 'phone', colorScheme: 'light' };

class Photographer {
  readonly #stage: Stage;
  readonly #open: (look: Look) => Promise<StaffPage>;

  constructor(stage: Stage, open: (look: Look) => Promise<StaffPage>) {
    this.#stage = stage;
    this.#open = open;
  }

  /** A day's work, as it goes: the pictures are taken on the way. */
  async takeAll(): Promise<void> {
    const clerk = await this.#open(DESKTOP);
    await this.#take(clerk, '1-signed-out');
    await clerk.signIn('clerk');
    await clerk.page.getByRole('button', { name: 'Start this till' }).click();
    await clerk.toast('This is till T1 now.').waitFor();
    await clerk.sell('Baked Beans in Tomato Sauce 415g', 4);
    await clerk.toast('Sold').waitFor({ state: 'detached' });
    await clerk.search('water', 'Still Water 1.5l');
    for (const [name, qty] of BASKET) await clerk.put(name, qty);
    await this.#take(clerk, '2-sell');
    await clerk.page.getByRole('button', { name: /^Pay / }).click();
    await clerk.page.getByLabel('Cash given').fill('20');
    await this.#take(clerk, '3-pay');
    await clerk.page.getByRole('button', { name: /^Finish / }).click();
    await clerk.page.getByRole('button', { name: 'Next sale' }).click();
    await this.#conflict();

    const manager = await this.#open(DARK);
    await manager.signIn('manager');
    const phone = await this.#open(PHONE);
    await phone.signIn('clerk');
    await this.#stage.link.set('down');
    for (const staff of [clerk, manager, phone]) await staff.strip(/Working from this store’s copy/);
    await clerk.sell('Basmati Rice 1kg', 2);
    await clerk.sell('Caster Sugar 500g', 1);
    await manager.reprice('9V Battery', '3.95');
    await clerk.strip(/3 changes waiting/);
    await clerk.goTo('Sales');
    await clerk.waitingSales().nth(1).waitFor();
    await this.#take(clerk, '5-cut-off');
    await manager.toast('9V Battery').waitFor({ state: 'detached' });
    await this.#take(manager, '6-cut-off-dark');
    await phone.strip(/3 changes waiting/);
    await this.#take(phone, '7-phone');
    await phone.put('Baked Beans in Tomato Sauce 415g', 2);
    await phone.page.getByRole('searchbox').fill('');
    await this.#take(phone, '8-phone-selling');
    await manager.choose('Let someone in');
    await manager.page.getByLabel('Name', { exact: true }).fill('Robin');
    await manager.page.getByRole('button', { name: 'Give a code' }).click();
    await manager.page.getByText('It is shown this once.').waitFor();
    await this.#take(manager, '9-letting-someone-in-dark');
    await clerk.goTo('Return');
    await clerk.page.getByRole('button', { name: /^Take back 2 × Basmati/ }).click();
    await clerk.page.getByRole('button', { name: 'One more' }).click();
    await this.#take(clerk, '10-return');
    await clerk.page.keyboard.press('Escape');
    await this.#stage.crashEdge(async () => {
      await clerk.strip(/No connection in this spot/);
      await clerk.sell('Caster Sugar 500g', 3);
      await clerk.goTo('Changes');
      await this.#take(clerk, '11-nobody-answers');
    });
  }

  /** Two people change one price. */
  async #conflict(): Promise<void> {
    const manager = await this.#open(DESKTOP);
    await manager.signIn('manager');
    await manager.openPrice('Blended Whisky 70cl', '18.50');
    const elsewhere = await this.#stage.atCloud.signIn('manager2');
    const { body } = await elsewhere.get<{ data: { id: string }[] }>('/products?q=blended+whisky');
    await elsewhere.write('PATCH', `/products/${body.data[0]?.id}`, { price: 1925 });
    await manager.page.getByRole('button', { name: 'Change price' }).click();
    await manager.page.getByText('Someone else').waitFor();
    await this.#take(manager, '4-conflict');
    await manager.close();
  }

  async #take({ page }: StaffPage, name: string): Promise<void> {
    const path = join(DIRECTORY, `${name}.png`);
    await page.evaluate('scrollTo(0, 0)');
    await page.waitForFunction(isStill);
    await page.screenshot({ path, scale: 'css', caret: 'hide' });
    process.stdout.write(`docs/screens/${name}.png, ${Math.ceil(statSync(path).size / 1024)} KiB\n`);
  }
}

async function main(): Promise<void> {
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY, { recursive: true });
  await using parts = new AsyncDisposableStack();
  const stage = parts.adopt(await Stage.start({ rttMs: 80 }), (part) => part.close());
  const chromium = parts.adopt(await startBrowser(), (part) => part.close());
  await stage.ready();
  await new Photographer(stage, (look) => StaffPage.open(chromium.browser, stage.edge.url, look)).takeAll();
}

if (process.argv.includes('--help')) process.stdout.write(HELP);
else await main();
