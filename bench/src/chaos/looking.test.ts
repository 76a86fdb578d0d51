import { describe, expect, test } from 'vitest';
import type { Client } from '../stage/client.ts';
import { Book, type Row } from './book.ts';
import { look } from './looking.ts';

const edit = (key: string, value: number) => ({
  key,
  user: 'manager',
  elsewhere: false,
  id: 'p1',
  resource: 'products' as const,
  effect: { type: 'edit' as const, field: 'reorderLevel' as const, value },
});

/** What is suspected of an edit to 1, where the field reads 2. */
async function suspected(book: Book, row: Row) {
  const get = async () => ({ status: 200, headers: new Headers(), body: { reorderLevel: 2 } });
  const client = { get } as unknown as Client;
  await look({ client, book, outages: () => 0 }, row);
  return book.suspicions.map(({ row: { key } }) => key);
}

describe('A field that reads as another edit made it', () => {
  test('is right where both were under way at once, whichever was acknowledged first', async () => {
    const book = new Book(new Map());
    const [one, other] = [book.begin(edit('one', 1)), book.begin(edit('other', 2))];
    book.acknowledge(other, 'waiting', 0);
    book.acknowledge(one, 'waiting', 0);
    expect(await suspected(book, one)).toEqual([]);
  });

  test('is a fault where that one was acknowledged before this one began', async () => {
    const book = new Book(new Map());
    const other = book.begin(edit('other', 2));
    book.acknowledge(other, 'waiting', 0);
    const one = book.begin(edit('one', 1));
    book.acknowledge(one, 'waiting', 0);
    expect(await suspected(book, one)).toEqual(['one']);
  });
});
