/** Products and customers, made up from what the lines say about them. */
import type { FactKind } from '../../rules/resources.ts';
import { type ImportedFact, movedBy } from './invoices.ts';
import type { GoodsLine } from './lines.ts';

export interface ImportedProduct {
  code: string;
  name: string;
  /** Pence: what most sales were made at, and among equals the latest. */
  price: number;
  /** A week's sales. */
  reorderLevel: number;
  /** What the store must have had so that it never ran below nothing, and a week's sales. */
  opening: number;
  /** What it has in the end. */
  level: number;
}

export interface ImportedCustomer {
  code: string;
  country: string;
}

/** How often each value was seen; the most frequent one, and among equals the latest, is told. */
class Tally<T> {
  readonly #counts = new Map<T, number>();
  #best: T | undefined;
  #bestCount = 0;

  add(value: T): void {
    const count = (this.#counts.get(value) ?? 0) + 1;
    this.#counts.set(value, count);
    if (count < this.#bestCount) return;
    this.#best = value;
    this.#bestCount = count;
  }

  best(): T | undefined {
    return this.#best;
  }
}

/** Where nothing was charged the description is mostly a note about the stock ("damaged"); names are in capitals. */
function isName(description: string, price: number): boolean {
  return price > 0 ? description !== '' : /^[^a-z]*[A-Z]{3}[^a-z]*$/.test(description);
}

interface ProductNotes {
  names: Tally<string>;
  prices: Tally<number>;
  sold: number;
  balance: number;
  lowest: number;
}

/** The file spans a year and a week. */
const WEEKS = 53;

export class Masters {
  readonly #products = new Map<string, ProductNotes>();
  readonly #customers = new Map<string, Tally<string>>();

  /** Hears every line of goods, in the file's order. */
  hear({ code, description, price, qty, customer, country }: GoodsLine): void {
    const product = this.#product(code);
    if (isName(description, price)) product.names.add(description.replace(/\s+/g, ' '));
    if (price > 0 && qty > 0) product.prices.add(price);
    if (customer === null) return;
    const countries = this.#customers.get(customer) ?? new Tally();
    countries.add(country);
    this.#customers.set(customer, countries);
  }

  /** Hears every fact, in the order it is written. */
  move({ kind, lines }: ImportedFact): void {
    for (const { code, qty } of lines) this.#move(kind, code, qty);
  }

  products(): ImportedProduct[] {
    return [...this.#products].map(([code, { names, prices, sold, balance, lowest }]) => {
      const reorderLevel = Math.ceil(sold / WEEKS);
      const opening = reorderLevel - lowest;
      const name = (names.best() ?? `Unnamed article ${code}`).slice(0, 200);
      return { code, name, price: prices.best() ?? 0, reorderLevel, opening, level: opening + balance };
    });
  }

  customers(): ImportedCustomer[] {
    return [...this.#customers].map(([code, countries]) => ({ code, country: countries.best() ?? '' }));
  }

  #product(code: string): ProductNotes {
    const known = this.#products.get(code);
    if (known !== undefined) return known;
    const made = { names: new Tally<string>(), prices: new Tally<number>(), sold: 0, balance: 0, lowest: 0 };
    this.#products.set(code, made);
    return made;
  }

  #move(kind: FactKind, code: string, qty: number): void {
    const product = this.#product(code);
    product.balance += movedBy(kind, qty);
    product.lowest = Math.min(product.lowest, product.balance);
    if (kind === 'sales') product.sold += qty;
  }
}
