/** The product list: search, prices, and this store's stock. */
import { request } from './api.js';
import { byId, element, showRows, tell } from './page.js';
import { sourceWords, stockOf } from './words.js';

const PAGE = 30;
const MOST_IDS = 100;
const DEBOUNCE = 180;
const WAITING = 'inventory.waiting';

export class ProductList {
  /** Every product met so far, by id. */
  known = new Map();
  /** Ids of products whose edit is not in the cloud yet, as far as this tab knows; a reload does not forget them. */
  #waiting = new Set(JSON.parse(sessionStorage.getItem(WAITING) ?? '[]'));
  #page;
  #shown = [];
  #query = '';
  #next = null;
  #under = new AbortController();

  /** `page.shop()` gives the store, its money and the user; `page.sell` and `page.reprice` open the dialogs. */
  constructor(page) {
    this.#page = page;
    let timer;
    byId('search').addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.load(), DEBOUNCE);
    });
    byId('products-more').addEventListener('click', () => this.load({ more: true }));
  }

  async load({ more = false } = {}) {
    this.#under.abort();
    this.#under = new AbortController();
    const { signal } = this.#under;
    const q = byId('search').value.trim();
    // A refresh must not shorten the list under somebody's finger.
    const limit = more || q !== this.#query ? PAGE : Math.max(PAGE, this.#shown.length);
    const query = new URLSearchParams({ active: 'true', limit: String(limit) });
    if (q !== '') query.set('q', q);
    if (more) query.set('after', this.#next);
    try {
      const { body, source } = await request('GET', `/products?${query}`, { signal });
      const { levels, sources } = await this.#levelsOf(body.data, signal);
      // A row is made of both; it is as old as the older of them.
      const oldest = [source, ...sources].reduce((one, other) => (other.asOf < one.asOf ? other : one));
      const met = body.data.map((product) => ({ product, qty: levels.get(product.id) }));
      this.#shown = more ? [...this.#shown, ...met] : met;
      this.#query = q;
      this.#next = body.page.next;
      this.#show(body.page.total, oldest);
    } catch (error) {
      if (error.name !== 'AbortError') this.#page.failed(error, byId('products-source'));
    }
  }

  /** An edit of this product is on its way to the cloud. */
  waits(id) {
    this.#waiting.add(id);
    sessionStorage.setItem(WAITING, JSON.stringify([...this.#waiting]));
  }

  /** Nothing is on its way any more. */
  settled() {
    this.#waiting.clear();
    sessionStorage.removeItem(WAITING);
  }

  /** Meets products that are not on the list, for their names. */
  async learn(ids) {
    const unknown = [...new Set(ids)].filter((id) => !this.known.has(id)).slice(0, MOST_IDS);
    if (unknown.length === 0) return;
    const query = new URLSearchParams({ ids: unknown.join(','), limit: String(MOST_IDS) });
    const { body } = await request('GET', `/products?${query}`);
    for (const product of body.data) this.known.set(product.id, product);
  }

  /** This store's stock of these products, id → quantity, and where it was read. */
  async #levelsOf(products, signal) {
    const storeId = this.#page.shop().store.id;
    const levels = new Map();
    const sources = [];
    for (let at = 0; at < products.length; at += MOST_IDS) {
      const ids = products.slice(at, at + MOST_IDS).map(({ id }) => `${storeId}:${id}`);
      const query = new URLSearchParams({ ids: ids.join(','), storeId, limit: String(MOST_IDS) });
      const { body, source } = await request('GET', `/stock-levels?${query}`, { signal });
      sources.push(source);
      for (const level of body.data) levels.set(level.productId, level.qty);
    }
    return { levels, sources };
  }

  #show(total, source) {
    for (const { product } of this.#shown) this.known.set(product.id, product);
    const rows = this.#shown.map((item) => ({ ...item, waits: this.#waiting.has(item.product.id) }));
    showRows(
      byId('products'),
      rows,
      ({ product }) => product.id,
      (item) => row(item, this.#page),
    );
    const nothing = this.#query === '' ? 'There are no products yet.' : `Nothing matches “${this.#query}”.`;
    tell(byId('products-source'), sourceWords(source));
    const all = this.#query === '' ? `${total} in all` : `${total} found`;
    tell(byId('products-count'), total === rows.length ? all : `${rows.length} of ${total}`);
    tell(byId('products-empty'), total === 0 ? nothing : '');
    byId('products-more').hidden = this.#next === null;
  }
}

function row({ product, qty, waits }, page) {
  const { user, money } = page.shop();
  const stock = stockOf(qty, product.reorderLevel);
  const price = money.show(product.price);
  const sell = {
    type: 'button',
    className: 'sell',
    ariaLabel: `Sell ${product.name}`,
    on: { click: () => page.sell(product, qty) },
  };
  const reprice = {
    type: 'button',
    className: 'as-text',
    title: 'Change the price',
    ariaLabel: `${price}, change the price of ${product.name}`,
    on: { click: () => page.reprice(product) },
  };
  return element(
    'li',
    { className: 'row' },
    element(
      'div',
      { className: 'what' },
      element('p', { className: 'name' }, product.name),
      element('p', { className: 'detail' }, product.sku),
    ),
    element('p', { className: 'stock', dataset: { tone: stock.tone } }, stock.text),
    element(
      'div',
      { className: 'price' },
      user.role === 'clerk' ? element('span', {}, price) : element('button', reprice, price),
      waits ? element('span', { className: 'badge' }, 'Waiting') : null,
    ),
    element('button', sell, 'Sell'),
  );
}
