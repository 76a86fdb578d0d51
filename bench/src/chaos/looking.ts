/** Reads through the edge, held against what it had acknowledged before they began (I6). */
import type { Answer, Client } from '../stage/client.ts';
import type { Book, Row } from './book.ts';
import type { OpeningProduct } from './operations.ts';

type Doc = Record<string, unknown>;

/** Where a device of the store looks, and what it knows. */
export interface Eyes {
  client: Client;
  book: Book;
  /** Of this store's edge: odd while no process is there, and another number after it was. */
  outages(): number;
}

/** Looks for one write's own document. */
export async function look(eyes: Eyes, row: Row): Promise<void> {
  const { effect, id } = row;
  if (id === null) return;
  switch (effect.type) {
    case 'fact':
    case 'make':
      return lookFor(eyes, row);
    case 'edit':
      return lookAtField(eyes, row);
    case 'delete':
      return lookForNothing(eyes, row);
  }
}

/** Looks at some of what was acknowledged, whoever was told, and at a level of stock. */
export async function lookAround(eyes: Eyes, opening: readonly OpeningProduct[]): Promise<void> {
  const { book } = eyes;
  await lookWhatIsHeld(eyes);
  const binding = book.all.filter((row) => book.binding(row));
  for (const row of [binding[0], binding[Math.floor(binding.length / 2)], binding.at(-1)])
    if (row !== undefined) await look(eyes, row);
  const fact = binding.findLast(({ effect }) => effect.type === 'fact');
  if (fact?.effect.type === 'fact') {
    await lookAtList(eyes, fact, fact.effect.number);
    for (const product of fact.effect.moves.keys()) await lookAtLevel(eyes, product);
  } else if (opening[0] !== undefined) await lookAtLevel(eyes, opening[0].id);
}

/** What the reads below look at. */
export const LOOKED_AT = ['products', 'customers', 'sales', 'returns', 'receipts', 'adjustments', 'stock-levels'];

/** A list that the replica answers has been fetched to its end: from then on nothing excuses a read of it (I9). */
async function lookWhatIsHeld(eyes: Eyes): Promise<void> {
  for (const resource of LOOKED_AT) if (!eyes.book.held.has(resource)) await read(eyes, resource, '?limit=1');
}

/**
 * Null: nobody answered, which counts as failed, or it is excused. Excuses are only these, by DESIGN.md:
 * - there was no edge at that moment, or it went while it was asked (I12 promises only that it comes back);
 * - a resource that is not fetched to its end has no replica to fall back on (I9), and neither has a list of it a way to
 *   show what waits, nor a level that was added to and never fetched: those say so in `Larder-Pending`. A document that
 *   a waiting write made or changed has no excuse (I6).
 */
async function read<T>({ client, book, outages }: Eyes, resource: string, rest: string): Promise<Answer<T> | null> {
  const before = outages();
  const isHeld = book.held.has(resource);
  const answer = await client.get<T>(`/${resource}${rest}`).catch(() => null);
  book.reads += 1;
  const isSameEdge = before % 2 === 0 && outages() === before;
  if (answer === null || answer.status >= 500) {
    if (isSameEdge && isHeld) book.unanswered.push(`${resource}${rest} was ${failureOf(answer)}`);
    return null;
  }
  const isList = rest.startsWith('?');
  if (isList && isSameEdge && answer.headers.get('larder-source') === 'replica') book.held.add(resource);
  const mayLeaveOut = !isHeld && (isList || resource === 'stock-levels');
  return mayLeaveOut && answer.headers.get('larder-pending') !== null ? null : answer;
}

const failureOf = (answer: Answer<unknown> | null) =>
  answer === null
    ? `not answered at ${new Date().toISOString()}`
    : `${answer.status} ${JSON.stringify(answer.body)} ${sourceOf(answer)}`;

/** Who answered, for the report. */
const sourceOf = ({ headers }: Answer<unknown>) =>
  `(from ${headers.get('larder-source')}, ${headers.get('cache-status')}, at ${new Date().toISOString()})`;

function suspect(book: Book, row: Row, what: string): void {
  // While it was read, the cloud may have said no, or the box have gone.
  if (book.binding(row)) book.suspicions.push({ row, what });
}

async function lookFor(eyes: Eyes, row: Row): Promise<void> {
  const { book } = eyes;
  const deleted = () => book.all.some(({ effect, id }) => effect.type === 'delete' && id === row.id);
  const answer = await read(eyes, row.resource, `/${row.id}`);
  if (answer === null || answer.status === 200 || deleted()) return;
  suspect(book, row, `${row.resource}/${row.id} was ${answer.status} ${sourceOf(answer)}`);
}

async function lookForNothing(eyes: Eyes, row: Row): Promise<void> {
  const answer = await read(eyes, 'products', `/${row.id}`);
  if (answer !== null && answer.status !== 404)
    suspect(eyes.book, row, `products/${row.id} was ${answer.status} ${sourceOf(answer)}`);
}

async function lookAtList(eyes: Eyes, row: Row, number: string): Promise<void> {
  const answer = await read<{ data: Doc[] }>(eyes, row.resource, `?number=${number}`);
  if (answer === null || answer.body.data.length === 1) return;
  suspect(eyes.book, row, `${row.resource}?number=${number} listed ${answer.body.data.length} ${sourceOf(answer)}`);
}

/**
 * The field is as this edit made it, or as one that may have come after it: any but those that were acknowledged before
 * this one began. Of two that were under way at once either may be the later, whoever heard of it first.
 */
async function lookAtField(eyes: Eyes, row: Row): Promise<void> {
  const { book } = eyes;
  const { effect } = row;
  if (effect.type !== 'edit') return;
  const answer = await read<Doc>(eyes, 'products', `/${row.id}`);
  // Deleted since, perhaps: that has its own check.
  if (answer === null || answer.status !== 200) return;
  const later = book.all.filter(
    (other) =>
      other.id === row.id &&
      other.effect.type === 'edit' &&
      other.effect.field === effect.field &&
      (other.elsewhere || other.at === null || other.at >= row.begun || other === row),
  );
  const shown = answer.body[effect.field];
  if (later.some((other) => other.effect.type === 'edit' && other.effect.value === shown)) return;
  suspect(
    book,
    row,
    `${effect.field} of products/${row.id} was ${JSON.stringify(shown)}, not ${effect.value} ${sourceOf(answer)}`,
  );
}

/** What was acknowledged before is in it; what was not may be. */
async function lookAtLevel(eyes: Eyes, product: string): Promise<void> {
  const { book } = eyes;
  const opening = book.opening.get(product) ?? 0;
  const certain = new Set(book.all.filter((row) => book.binding(row)));
  const { generation } = book;
  const answer = await read<{ qty?: number }>(eyes, 'stock-levels', `/S001:${product}`);
  if (answer === null || generation !== book.generation) return;
  let [least, most] = [opening, opening];
  for (const row of book.all) {
    const by = row.effect.type === 'fact' && !row.elsewhere ? (row.effect.moves.get(product) ?? 0) : 0;
    if (by < 0 || certain.has(row)) least += by;
    if (by > 0 || certain.has(row)) most += by;
  }
  const qty = answer.status === 404 ? 0 : Number(answer.body.qty);
  if (qty < least || qty > most) book.wrong.push(`stock of ${product} was ${qty}, not ${least} to ${most}`);
}
