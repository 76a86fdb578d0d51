/** Reads through the edge, held against what it had acknowledged before they began (I6). */
import type { Answer, Client } from '../stage/client.ts';
import type { Book, Row } from './book.ts';
import type { OpeningProduct } from './operations.ts';

type Doc = Record<string, unknown>;

/** Looks for one write's own document. */
export async function look(client: Client, book: Book, row: Row): Promise<void> {
  const { effect, id } = row;
  if (id === null) return;
  switch (effect.type) {
    case 'fact':
    case 'make':
      return lookFor(client, book, row);
    case 'edit':
      return lookAtField(client, book, row);
    case 'delete':
      return lookForNothing(client, book, row);
  }
}

/** Looks at some of what was acknowledged, whoever was told, and at a level of stock. */
export async function lookAround(client: Client, book: Book, opening: readonly OpeningProduct[]): Promise<void> {
  const binding = book.all.filter((row) => book.binding(row));
  for (const row of [binding[0], binding[Math.floor(binding.length / 2)], binding.at(-1)])
    if (row !== undefined) await look(client, book, row);
  const fact = binding.findLast(({ effect }) => effect.type === 'fact');
  if (fact?.effect.type === 'fact') {
    await lookAtList(client, book, fact, fact.effect.number);
    for (const product of fact.effect.moves.keys()) await lookAtLevel(client, book, product);
  } else if (opening[0] !== undefined) await lookAtLevel(client, book, opening[0].id);
}

/** Null: nobody answered, or not from all that is known here. */
async function read<T>(client: Client, book: Book, path: string): Promise<Answer<T> | null> {
  const answer = await client.get<T>(path).catch(() => null);
  if (answer === null) return null;
  book.reads += 1;
  // A replica that is still being filled covers nothing yet, and the answer says what it does not include.
  if (answer.status >= 500 || answer.headers.get('larder-pending') !== null) return null;
  return answer;
}

/** Who answered, for the report. */
const sourceOf = ({ headers }: Answer<unknown>) =>
  `(from ${headers.get('larder-source')}, ${headers.get('cache-status')}, at ${new Date().toISOString()})`;

function suspect(book: Book, row: Row, what: string): void {
  // While it was read, the cloud may have said no, or the box have gone.
  if (book.binding(row)) book.suspicions.push({ row, what });
}

async function lookFor(client: Client, book: Book, row: Row): Promise<void> {
  const deleted = () => book.all.some(({ effect, id }) => effect.type === 'delete' && id === row.id);
  const answer = await read(client, book, `/${row.resource}/${row.id}`);
  if (answer === null || answer.status === 200 || deleted()) return;
  suspect(book, row, `${row.resource}/${row.id} was ${answer.status} ${sourceOf(answer)}`);
}

async function lookForNothing(client: Client, book: Book, row: Row): Promise<void> {
  const answer = await read(client, book, `/products/${row.id}`);
  if (answer !== null && answer.status !== 404)
    suspect(book, row, `products/${row.id} was ${answer.status} ${sourceOf(answer)}`);
}

async function lookAtList(client: Client, book: Book, row: Row, number: string): Promise<void> {
  const answer = await read<{ data: Doc[] }>(client, book, `/${row.resource}?number=${number}`);
  if (answer === null || answer.body.data.length === 1) return;
  suspect(book, row, `${row.resource}?number=${number} listed ${answer.body.data.length} ${sourceOf(answer)}`);
}

/** The field is as this edit made it, or as one that may have come after it. */
async function lookAtField(client: Client, book: Book, row: Row): Promise<void> {
  const { effect } = row;
  if (effect.type !== 'edit') return;
  const answer = await read<Doc>(client, book, `/products/${row.id}`);
  // Deleted since, perhaps: that has its own check.
  if (answer === null || answer.status !== 200) return;
  const later = book.all.filter(
    (other) =>
      other.id === row.id &&
      other.effect.type === 'edit' &&
      other.effect.field === effect.field &&
      (other.elsewhere || other.at === null || other.at >= (row.at ?? 0) || other === row),
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
async function lookAtLevel(client: Client, book: Book, product: string): Promise<void> {
  const opening = book.opening.get(product) ?? 0;
  const certain = new Set(book.all.filter((row) => book.binding(row)));
  const { generation } = book;
  const answer = await read<{ qty?: number }>(client, book, `/stock-levels/S001:${product}`);
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
