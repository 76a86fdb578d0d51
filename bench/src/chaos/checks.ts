/** The judge: what the devices were told, held against what is there. Pure, so that it can be tried on forged evidence. */
import type { Book, Row } from './book.ts';
import type { Change, Evidence } from './evidence.ts';

/** One sentence each; all empty: the trial passed. */
export interface Findings {
  /** Acknowledged, and neither in the cloud nor in the inbox; or missed by a read that came after (I2, I6). */
  lost: string[];
  missed: string[];
  /** Reads of covered routes that nobody answered, where DESIGN.md promises an answer. */
  failedReads: string[];
  /** Took effect more than once. */
  duplicated: string[];
  /** In the cloud, and nobody wrote it, or not like that. */
  unexpected: string[];
  /** Did not drain within the bound after the link returned (I5). */
  stuck: string[];
  /** The replica, or the stock, is not what the cloud, or its ledger, says. */
  diverged: string[];
}

export const FINDINGS = ['lost', 'missed', 'failedReads', 'duplicated', 'unexpected', 'stuck', 'diverged'] as const;

export const nothingFound = (): Findings => ({
  lost: [],
  missed: [],
  failedReads: [],
  duplicated: [],
  unexpected: [],
  stuck: [],
  diverged: [],
});

/** Everything but `stuck`, which takes time to see. */
export function judge(book: Book, evidence: Evidence): Findings {
  const findings = nothingFound();
  const done = byCause(evidence.changes);
  for (const row of book.all) judgeRow(row, done.get(nameOf(row)) ?? [], evidence, findings);
  judgeStrangers(book, done, evidence, findings);
  judgeStock(book, done, evidence, findings);
  for (const { row, what } of book.suspicions)
    if (!isRefused(row, done.get(nameOf(row)) ?? [])) findings.missed.push(`${describe(row)}: ${what}`);
  findings.missed.push(...book.wrong);
  findings.failedReads.push(...book.unanswered);
  judgeTwins(book, evidence, findings);
  findings.diverged.push(...evidence.differences);
  return findings;
}

/**
 * What the edge has lost by itself: acknowledged by the present box and cloud, nothing waits any more, and the cloud has
 * not heard of it. Asked before the devices offer again what they hold, which would make up for it.
 */
export function lostByEdge(book: Book, { changes, inbox }: Pick<Evidence, 'changes' | 'inbox'>): string[] {
  const done = byCause(changes);
  return book.all
    .filter((row) => book.binding(row) && !isTold(row) && !done.has(nameOf(row)) && !inbox.has(nameOf(row)))
    .map((row) => `${describe(row)} left the edge and never reached the cloud`);
}

const nameOf = ({ user, key }: { user: string; key: string }) => `${user} ${key}`;

/** The changes of each transaction, by who caused it and under which key: one write has one. */
type Done = Map<string, Change[][]>;

function byCause(changes: readonly Change[]): Done {
  const transactions = Map.groupBy(
    changes.filter(({ cause }) => cause !== null),
    ({ tx }) => tx,
  );
  return Map.groupBy(transactions.values(), ([first]) => (first?.cause == null ? '' : nameOf(first.cause)));
}

const effectIn = (transaction: readonly Change[]) => transaction.filter(({ type }) => type !== 'marker');

/** The cloud has looked at it, and nothing came of it. */
const isRefused = ({ effect }: Row, transactions: readonly Change[][]) =>
  effect.type !== 'edit'
    ? transactions.every((transaction) => effectIn(transaction).length === 0)
    : !transactions.some((transaction) => effectIn(transaction).length > 0);

function describe(row: Row): string {
  return `${row.resource}/${row.id ?? '?'} (${row.effect.type}, key ${row.key}, told ${row.told})`;
}

/** Its author knows that it was not taken: a box that was replaced may say no to what its predecessor had taken. */
const isTold = ({ told, effect }: Row) => told === 'refused' || (told === 'declined' && effect.type !== 'fact');

/** One fact, two documents: booked twice under different keys. Its number is its author's own. */
function judgeTwins(book: Book, { changes }: Evidence, { duplicated }: Findings): void {
  for (const row of book.all) {
    const { effect } = row;
    if (effect.type !== 'fact') continue;
    const twins = changes.filter(({ resource, doc }) => resource === row.resource && doc?.['number'] === effect.number);
    const documents = new Set(twins.map(({ id }) => id)).size;
    if (documents > 1) duplicated.push(`${describe(row)} is ${documents} documents in the cloud`);
  }
}

function judgeRow(row: Row, transactions: readonly Change[][], { inbox }: Evidence, findings: Findings): void {
  if (transactions.length > 1)
    findings.duplicated.push(`${describe(row)} is in the cloud ${transactions.length} times`);
  const [transaction] = transactions;
  const effect = transaction === undefined ? [] : effectIn(transaction);
  if (effect.length > 0) return judgeEffect(row, effect, findings);
  if (row.excused) return;
  // An edit to what is there already changes nothing, and is done.
  if (transaction !== undefined && row.effect.type === 'edit' && row.told === 'applied') return;
  if (row.acknowledged && !isTold(row) && !inbox.has(nameOf(row)))
    findings.lost.push(
      `${describe(row)} ${transaction === undefined ? 'never reached the cloud' : 'was refused there'}, and is not in the inbox`,
    );
}

/** What took effect is what was written, and nobody had been told that it would not. */
function judgeEffect(row: Row, changes: readonly Change[], { unexpected }: Findings): void {
  const own = changes.find(({ resource, id }) => resource === row.resource && (row.id === null || id === row.id));
  if (own === undefined) unexpected.push(`${describe(row)} changed something else`);
  else if (!isAsWritten(row, own)) unexpected.push(`${describe(row)} became ${JSON.stringify(own.doc)}`);
  if (row.told === 'refused' || (row.told === 'declined' && !row.acknowledged && !row.doubtful))
    unexpected.push(`${describe(row)} took effect after all`);
}

function isAsWritten({ effect }: Row, { type, doc }: Change): boolean {
  if (effect.type === 'delete') return type === 'remove';
  if (type !== 'put' || doc === null || doc === undefined) return false;
  if (effect.type === 'make') return true;
  if (effect.type === 'edit') return doc[effect.field] === effect.value;
  const lines = doc['lines'] as { productId: string; qty: number }[];
  const total = lines.reduce((sum, { qty }) => sum + Math.abs(qty), 0);
  const meant = [...effect.moves.values()].reduce((sum, qty) => sum + Math.abs(qty), 0);
  return doc['number'] === effect.number && total === meant;
}

function judgeStrangers(book: Book, done: Done, { changes }: Evidence, { unexpected }: Findings): void {
  const known = new Set(book.all.map(nameOf));
  for (const name of done.keys()) if (!known.has(name)) unexpected.push(`nobody wrote what has the cause ${name}`);
  for (const { cause, resource, id } of changes)
    if (cause === null) unexpected.push(`${resource}/${id} changed without a cause`);
}

/** Level = ledger = what was there + what the applied writes say that they move. */
function judgeStock(book: Book, done: Done, { ledger, levels }: Evidence, findings: Findings): void {
  const expected = new Map(book.opening);
  for (const row of book.all) {
    const applied = (done.get(nameOf(row)) ?? []).some((transaction) => effectIn(transaction).length > 0);
    if (row.effect.type !== 'fact' || row.elsewhere || !applied) continue;
    for (const [product, by] of row.effect.moves) expected.set(product, (expected.get(product) ?? 0) + by);
  }
  for (const product of new Set([...expected.keys(), ...ledger.keys(), ...levels.keys()])) {
    const [should, sum, level] = [expected, ledger, levels].map((each) => each.get(product) ?? 0);
    if (sum !== level) findings.diverged.push(`stock of ${product} is ${level}, its ledger says ${sum}`);
    if (sum !== should) findings.unexpected.push(`the ledger of ${product} says ${sum}, the devices ${should}`);
  }
}
