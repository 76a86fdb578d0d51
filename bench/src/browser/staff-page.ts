/** The inventory page as the people of a store use it: what they press, and what they read. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { listsOnly } from './in-page.js';

/** How the page is looked at. */
export const VIEWS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
} as const satisfies Record<string, BrowserContextOptions>;

export interface Look {
  view: keyof typeof VIEWS;
  colorScheme: 'light' | 'dark';
}

/** No step of a person takes longer than this, however slow the machine, ms. */
const LIMIT = 30_000;

export class StaffPage {
  page: Page;
  /** What the console calls an error, and what was thrown and not caught. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = this.#follow(page);
  }

  #follow(page: Page): Page {
    page.setDefaultTimeout(LIMIT);
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.errors.push(error.stack ?? error.message));
    return page;
  }

  /** A device of its own, that knows nothing of others. */
  static async open(browser: Browser, url: string, { view, colorScheme }: Look): Promise<StaffPage> {
    const context = await browser.newContext({
      ...VIEWS[view],
      colorScheme,
      locale: 'en-GB',
      timezoneId: 'Europe/London',
    });
    const staff = new StaffPage(await context.newPage());
    await staff.page.goto(url);
    return staff;
  }

  /** Closes the tab, and opens another on the same device. */
  async reopen(): Promise<void> {
    const [context, url] = [this.page.context(), this.page.url()];
    await this.page.close();
    this.page = this.#follow(await context.newPage());
    await this.page.goto(url);
  }

  /** Waits until the device can start by itself. */
  async isKept(): Promise<void> {
    await this.page.waitForFunction('navigator.serviceWorker?.controller !== null');
  }

  async signIn(username: string, password = 'larder-demo'): Promise<void> {
    await this.page.getByLabel('Username').fill(username);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.isOpen();
  }

  /** Waits until there is something to sell. */
  async isOpen(): Promise<void> {
    await this.page.locator('#products .row').first().waitFor();
  }

  /** Goes to a screen by its name in the menu. */
  async goTo(name: 'Sell' | 'Return' | 'Products' | 'Sales' | 'Changes'): Promise<void> {
    await this.page.getByRole('navigation').getByRole('link', { name }).click();
    await this.page.getByRole('navigation').locator('[aria-current=page]', { hasText: name }).waitFor();
  }

  /** Types into the search field, and waits until nothing else is listed. */
  async search(text: string, found: string): Promise<void> {
    await this.page.getByRole('searchbox').fill(text);
    await this.product(found).first().waitFor();
    await this.page.waitForFunction(listsOnly, text.toLowerCase());
  }

  /** The row of a product. */
  product(name: string) {
    const named = this.page.locator('.name').getByText(name, { exact: true });
    return this.page.locator('#products .row').filter({ has: named });
  }

  /** The rows of sales that contain a text, newest first, on the screen of sales. */
  sales(text = '') {
    return this.page.locator('#sales .row').filter({ hasText: text });
  }

  waitingSales() {
    return this.page.locator('#sales .row[data-waiting=true]');
  }

  /** What somebody can do about being here. */
  async choices(): Promise<string[]> {
    await this.page.locator('.me').click();
    const items = this.page.getByRole('menuitem');
    await items.first().waitFor();
    const names = await items.allTextContents();
    await this.page.keyboard.press('Escape');
    return names;
  }

  /** Chooses one of them. */
  async choose(name: string): Promise<void> {
    await this.page.locator('.me').click();
    await this.page.getByRole('menuitem', { name, exact: true }).click();
  }

  /** Sells so many, and waits for the word that it is done. */
  async sell(name: string, qty: number): Promise<void> {
    await this.goTo('Sell');
    await this.page.getByRole('searchbox').fill('');
    await this.put(name, qty);
    await this.page.getByRole('button', { name: /^Pay / }).click();
    await this.page.getByRole('button', { name: /^Finish / }).click();
    await this.toast(`Sold ${qty} × ${name}`).waitFor();
  }

  /** Puts so many into the basket. */
  async put(name: string, qty: number): Promise<void> {
    await this.page.getByRole('searchbox').fill(name);
    await this.product(name).getByRole('button').first().click();
    for (let at = 1; at < qty; at += 1)
      await this.page.locator('#basket .row').first().getByRole('button', { name: 'One more' }).click();
  }

  async openPrice(name: string, price: string): Promise<void> {
    await this.goTo('Products');
    await this.page.getByRole('searchbox').fill(name);
    await this.product(name)
      .getByRole('button', { name: /change the price of/ })
      .click();
    await this.page.getByLabel('New price').fill(price);
  }

  async reprice(name: string, price: string): Promise<void> {
    await this.openPrice(name, price);
    await this.page.getByRole('button', { name: 'Change price' }).click();
    await this.toast(`${name} is now £${price}`).waitFor();
  }

  toast(text: string) {
    return this.page.locator('.toast').filter({ hasText: text });
  }

  /** Waits until the strip says this. */
  async strip(text: RegExp): Promise<void> {
    await this.page.locator('#strip').filter({ hasText: text }).waitFor();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
