/** `Query` to SQL. Only fields that the profile indexes can be named, so a query never scans for want of an index. */
import type { Json, Match, Query } from '../profile.ts';
import { columnValue, type Table } from './tables.ts';

type Value = string | number | null;
interface Sql {
  text: string;
  values: Value[];
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

const likePattern = (term: string) => `%${term.replaceAll(/[\\%_]/g, '\\$&')}%`;

function whereSql(table: Table, query: Query): Sql {
  const parts: Sql[] = [{ text: 'view IS NOT NULL', values: [] }];
  for (const [field, match] of Object.entries(query.where ?? {})) parts.push(matchSql(column(table, field), match));
  for (const term of query.terms ?? []) parts.push({ text: `search LIKE ? ESCAPE '\\'`, values: [likePattern(term)] });
  return { text: parts.map((part) => part.text).join(' AND '), values: parts.flatMap((part) => part.values) };
}

type Order = [column: string, direction: 'asc' | 'desc'][];

function orderOf(table: Table, query: Query): Order {
  const order: Order = (query.order ?? []).map(([field, direction]) => [column(table, field), direction]);
  if (!order.some(([name]) => name === 'id')) order.push(['id', 'asc']);
  return order;
}

/** Everything after a position, in an order whose directions may differ: (a > x) or (a = x and b < y) or … */
function afterSql(order: Order, after: Json[]): Sql {
  if (after.length !== order.length)
    throw new TypeError(`"after" has ${after.length} values for ${order.length} fields`);
  const texts: string[] = [];
  const values: Value[] = [];
  for (const [at, [name, direction]] of order.entries()) {
    const equal = order.slice(0, at).map(([earlier]) => `${earlier} = ? AND `);
    texts.push(`(${equal.join('')}${name} ${direction === 'asc' ? '>' : '<'} ?)`);
    values.push(...after.slice(0, at + 1).map(columnValue));
  }
  return { text: `(${texts.join(' OR ')})`, values };
}

const from = (table: Table) => `FROM "doc:${table.name.replaceAll('"', '""')}"`;

export function listSql(table: Table, query: Query): Sql {
  const where = whereSql(table, query);
  const order = orderOf(table, query);
  const after = query.after === undefined ? null : afterSql(order, query.after);
  const text =
    `SELECT view ${from(table)} WHERE ${where.text}${after === null ? '' : ` AND ${after.text}`}` +
    ` ORDER BY ${order.map(([name, direction]) => `${name} ${direction}`).join(', ')}` +
    (query.limit === undefined ? '' : ' LIMIT ?');
  return {
    text,
    values: [...where.values, ...(after?.values ?? []), ...(query.limit === undefined ? [] : [query.limit])],
  };
}

export function countSql(table: Table, query: Query): Sql {
  const where = whereSql(table, query);
  return { text: `SELECT count(*) AS n ${from(table)} WHERE ${where.text}`, values: where.values };
}
