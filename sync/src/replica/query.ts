/** `Query` to SQL. Only fields that the profile indexes can be named, so a query never scans for want of an index. */
import type { Json, Match, Query } from '../profile.ts';
import { END } from './grams.ts';
import { columnValue, type Table } from './tables.ts';

type Value = string | number | null;
export interface Sql {
  text: string;
  values: readonly Value[];
}

const column = (table: Table, field: string): string => {
  const name = table.column(field);
  if (name === null) throw new TypeError(`"${field}" is not in the index of "${table.name}"`);
  return name;
};

const COMPARE = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

function matchSql(name: string, match: Match): Sql {
  if (match === null) return { text: `${name} IS NULL`, values: [] };
  if (typeof match !== 'object' || Array.isArray(match)) return { text: `${name} = ?`, values: [columnValue(match)] };
  if ('in' in match) {
    const values = match.in as Json[];
    return { text: `${name} IN (${values.map(() => '?').join(', ')})`, values: values.map(columnValue) };
  }
  const parts: string[] = [];
  const values: Value[] = [];
  for (const [operator, sign] of Object.entries(COMPARE)) {
    const bound = (match as Record<string, Json | undefined>)[operator];
    if (bound === undefined) continue;
    parts.push(`${name} ${sign} ?`);
    values.push(columnValue(bound));
  }
  if (parts.length === 0) throw new TypeError(`a match on ${name} needs a value, "in" or a bound`);
  return { text: parts.join(' AND '), values };
}

/** One part of a WHERE, and how to find out how much it leaves. */
interface Condition extends Sql {
  /** A row for each document that it leaves; null: left to SQLite's own judgement. */
  left: Sql | null;
}

const TRIGRAM = 3;
/** What stands in more documents than this is sooner met among them than gathered first. */
const MANY = 30_000;

function conditionsOf(table: Table, query: Query): Condition[] {
  const conditions: Condition[] = Object.entries(query.where ?? {}).map(([field, match]) => {
    const name = column(table, field);
    const sql = matchSql(name, match);
    const isEquality = (match === null || typeof match !== 'object') && field !== table.resource.id;
    return {
      ...sql,
      left: isEquality ? { ...sql, text: `${from(table)} WHERE view IS NOT NULL AND ${sql.text}` } : null,
    };
  });
  return [...conditions, ...termConditions(table, query.terms ?? [])];
}

/** One look into the index for all terms that it serves; the others are looked for in each text. */
function termConditions(table: Table, terms: readonly string[]): Condition[] {
  const gathered: string[] = [];
  const conditions: Condition[] = [];
  for (const term of terms) {
    const matched = matchOf(table, term);
    if (matched !== null && matched.documents <= MANY) gathered.push(matched.match);
    else {
      const left = matched === null ? null : matching(table, matched.match);
      conditions.push({ text: `instr(${table.search()}, ?) > 0`, values: [term], left });
    }
  }
  if (gathered.length === 0) return conditions;
  const left = matching(table, gathered.join(' AND '));
  return [...conditions, { text: `rowid IN (SELECT rowid ${left.text})`, values: left.values, left }];
}

const matching = (table: Table, match: string): Sql => ({
  text: `FROM ${table.grams} WHERE ${table.grams} MATCH ?`,
  values: [match],
});

/**
 * A term as the index is asked for it: three characters or more as a phrase of threes, which is exactly where it stands in
 * the text; two as any of the threes that begin so. Null: one character is in too many of them.
 */
function matchOf(table: Table, term: string): { match: string; documents: number } | null {
  const { length } = [...term];
  if (table.grams === null || length < TRIGRAM - 1 || term.includes('\0') || term.includes(END)) return null;
  if (length >= TRIGRAM) return { match: phrase(term), documents: 0 };
  const threes = table.threes(term);
  if (threes === null) return null;
  // A phrase that nothing has, where there are none.
  const match = threes.grams.length === 0 ? phrase(END.repeat(TRIGRAM)) : threes.grams.map(phrase).join(' OR ');
  return { match: `(${match})`, documents: threes.documents };
}

const phrase = (text: string) => `"${text.replaceAll('"', '""')}"`;

type Order = [column: string, direction: 'asc' | 'desc'][];

function orderOf(table: Table, query: Query): Order {
  const order: Order = (query.order ?? []).map(([field, direction]) => [column(table, field), direction]);
  if (!order.some(([name]) => name === 'id')) order.push(['id', 'asc']);
  return order;
}

/** Everything after a position: beyond it by the first field, or, where that is equal, by the next. */
function afterSql(order: Order, after: readonly Json[]): Sql {
  const [[name, direction] = ['id', 'asc'], ...rest] = order;
  const [value, ...values] = [columnValue(after[0]), ...after.slice(1)];
  const sign = direction === 'asc' ? '>' : '<';
  if (rest.length === 0) return { text: `${name} ${sign} ?`, values: [value] };
  const beyond = afterSql(rest, values);
  // The first comparison alone lets an index begin at the right place.
  return {
    text: `${name} ${sign}= ? AND (${name} ${sign} ? OR (${beyond.text}))`,
    values: [value, value, ...beyond.values],
  };
}

const from = (table: Table) => `FROM ${table.documents}`;
const joined = (parts: readonly Sql[]): Sql => ({
  text: ['view IS NOT NULL', ...parts.map((part) => part.text)].join(' AND '),
  values: parts.flatMap((part) => part.values),
});

/** Fewer documents than this are sorted sooner than they are met in an order that an index has. */
const FEW = 500;

/** Asks whether a condition leaves few documents; never looks at more than that. */
export const fewSql = ({ text, values }: Sql): Sql => ({
  text: `SELECT count(*) < ${FEW} AS few FROM (SELECT 1 ${text} LIMIT ${FEW})`,
  values,
});

/** What SQLite must not look for with an index: a unary plus says so. */
const plain = (text: string) => `+${text}`;

/**
 * A page in an order is read in one of two ways: what a narrow condition leaves is found and sorted, or documents are
 * met in the order of an index until there are enough that fit. SQLite cannot know which, so it is asked first (`few`).
 */
export function listSql(table: Table, query: Query, few: (left: Sql) => boolean): Sql {
  const conditions = conditionsOf(table, query);
  const order = orderOf(table, query);
  if (query.after !== undefined && query.after.length !== order.length)
    throw new TypeError(`"after" has ${query.after.length} values for ${order.length} fields`);
  const isPaged = query.limit !== undefined && conditions.some(({ left }) => left !== null);
  const narrow = isPaged ? conditions.filter(({ left }) => left !== null && few(left)) : [];
  const steered = conditions.map((one) =>
    one.left === null || !isPaged || narrow.includes(one) ? one : { ...one, text: plain(one.text) },
  );
  const sorted: Order = narrow.length === 0 ? order : order.map(([name, direction]) => [plain(name), direction]);
  const where = joined(query.after === undefined ? steered : [...steered, afterSql(sorted, query.after)]);
  const found = `${from(table)} WHERE ${where.text} ORDER BY ${inOrder(sorted)}`;
  if (query.limit === undefined) return { text: `SELECT view ${found}`, values: where.values };
  return { text: shown(table, order, `${found} LIMIT ?`), values: [...where.values, query.limit] };
}

const inOrder = (order: Order) => order.map(([name, direction]) => `${name} ${direction}`).join(', ');

/** Which documents make up the page is found by what indexes hold; only those, and not all that is sorted, are read. */
function shown(table: Table, order: Order, page: string): string {
  const sorted: Order = order.map(([name, direction]) => [plain(name), direction]);
  return `SELECT view ${from(table)} WHERE rowid IN (SELECT rowid ${page}) ORDER BY ${inOrder(sorted)}`;
}

export function countSql(table: Table, query: Query): Sql {
  const conditions = conditionsOf(table, query);
  const [only] = conditions;
  // What is shown is what can be found: no document needs to be looked at.
  if (conditions.length === 1 && only?.left !== undefined && only.left !== null)
    return { text: `SELECT count(*) AS n ${only.left.text}`, values: only.left.values };
  const where = joined(conditions);
  return { text: `SELECT count(*) AS n ${from(table)} WHERE ${where.text}`, values: where.values };
}
