import { describe, expect, test } from 'vitest';
import { Book, type Row } from './book.ts';
import { FINDINGS, judge, lostByEdge, type Findings } from './checks.ts';
import type { Change, Evidence } from './evidence.ts';

const CAUSE = { user: 'user-clerk', key: 'k1' };
const OPENING = new Map([['p', 10]]);

/** One acknowledged sale of three, which the cloud has once. */
function wellSettled(): { book: Book; row: Row; evidence: Evidence } {
  const book = new Book(OPENING);
  const effect = { type: 'fact', kind: 'sales', number: 'N1', moves: new Map([['p', -3]]) } as const;
  const row = book.begin({ ...CAUSE, elsewhere: false, id: 's1', resource: 'sales', effect });
  book.acknowledge(row, 'applied', 0);
  return { book, row, evidence: evidenceOf(transaction('t1')) };
}

function transaction(tx: string, doc: Record<string, unknown> = {}): Change[] {
  const sale = { id: 's1', number: 'N1', lines: [{ productId: 'p', qty: 3 }], ...doc };
  return [
    { type: 'put', resource: 'sales', id: 's1', doc: sale, cause: CAUSE, tx },
    { type: 'marker', cause: CAUSE, tx },
  ];
}

const evidenceOf = (changes: Change[], qty = 7): Evidence => ({
  changes,
  ledger: new Map([['p', qty]]),
  levels: new Map([['p', qty]]),
  inbox: new Set(),
  differences: [],
});

/** The kinds of findings, sorted as they are in the table. */
const kinds = (findings: Findings) => FINDINGS.filter((name) => findings[name].length > 0);

describe('the judge', () => {
  test('finds nothing where all is well', () => {
    const { book, evidence } = wellSettled();
    expect(kinds(judge(book, evidence))).toEqual([]);
  });

  test('I2: finds what was acknowledged and is nowhere', () => {
    const { book } = wellSettled();
    expect(kinds(judge(book, evidenceOf([], 10)))).toEqual(['lost']);
  });

  test('I2: finds what was refused behind the back of who wrote it, unless it is in the inbox', () => {
    const { book } = wellSettled();
    const refused = evidenceOf([{ type: 'marker', cause: CAUSE, tx: 't1' }], 10);
    expect(kinds(judge(book, refused))).toEqual(['lost']);
    expect(kinds(judge(book, { ...refused, inbox: new Set(['user-clerk k1']) }))).toEqual([]);
  });

  test('I2: finds what took effect twice, in the feed and in the ledger', () => {
    const { book } = wellSettled();
    expect(kinds(judge(book, evidenceOf([...transaction('t1'), ...transaction('t2')])))).toEqual(['duplicated']);
    expect(kinds(judge(book, evidenceOf(transaction('t1'), 4)))).toEqual(['unexpected']);
  });

  test('I2: finds one fact booked as two documents under two keys', () => {
    const { book } = wellSettled();
    const cause = { ...CAUSE, key: 'k1-again' };
    const again = transaction('t2', { id: 's2' }).map((change) => ({ ...change, cause, id: 's2' }));
    expect(judge(book, evidenceOf([...transaction('t1'), ...again])).duplicated).toHaveLength(1);
  });

  test('I2: finds what the edge has dropped before the devices offer it again', () => {
    const { book, row } = wellSettled();
    book.acknowledge(row, 'waiting', 0);
    const inbox = new Set<string>();
    expect(lostByEdge(book, { changes: [], inbox })).toHaveLength(1);
    expect(lostByEdge(book, { changes: transaction('t1'), inbox })).toEqual([]);
    expect(lostByEdge(book, { changes: [], inbox: new Set(['user-clerk k1']) })).toEqual([]);
    book.loseBox();
    expect(lostByEdge(book, { changes: [], inbox })).toEqual([]);
  });

  test('finds reads that nobody answered', () => {
    const { book, evidence } = wellSettled();
    book.unanswered.push('sales/s1 was 503');
    expect(kinds(judge(book, evidence))).toEqual(['failedReads']);
  });

  test('finds what nobody wrote, or not like that', () => {
    const { book, row } = wellSettled();
    const stranger = { type: 'marker', cause: { user: 'user-clerk', key: 'k2' }, tx: 't2' } as const;
    expect(kinds(judge(book, evidenceOf([...transaction('t1'), stranger])))).toEqual(['unexpected']);
    expect(kinds(judge(book, evidenceOf(transaction('t1', { number: 'N2' }))))).toEqual(['unexpected']);
    Object.assign(row, { told: 'declined', acknowledged: false });
    expect(kinds(judge(book, evidenceOf(transaction('t1'))))).toEqual(['unexpected']);
  });

  test('finds stock that is not the sum of its ledger, and a replica that is not the cloud', () => {
    const { book, evidence } = wellSettled();
    expect(kinds(judge(book, { ...evidence, levels: new Map([['p', 8]]) }))).toEqual(['diverged']);
    expect(kinds(judge(book, { ...evidence, differences: ['sales: 1 here, 2 in the cloud'] }))).toEqual(['diverged']);
  });

  test('I6: finds a read that missed a write, unless that write was refused', () => {
    const { book, row, evidence } = wellSettled();
    book.suspicions.push({ row, what: 'sales/s1 was 404' });
    expect(kinds(judge(book, evidence))).toEqual(['missed']);
    const refused = {
      ...evidenceOf([{ type: 'marker', cause: CAUSE, tx: 't1' }], 10),
      inbox: new Set(['user-clerk k1']),
    };
    expect(kinds(judge(book, refused))).toEqual([]);
  });
});
