/**
 * Lists: from a parsed query to SQL. Prisma's own filters would not do: its `contains` lets % and _ stand for anything,
 * and an order by two columns has no row comparison. So the page's ids are found here, and Prisma loads the documents.
 */
import type { Doc, Match } from '@larder/sync/profile';
import { Prisma } from '../prisma/generated/sqlite/client.ts';
import { type ListBody, type ListSpec, listBody } from '../rules/list.ts';
import type { ListedResource } from '../rules/resources.ts';
import type { Database } from './db/open.ts';
import { TABLES } from './resources/tables.ts';

type Sql = Prisma.Sql;
const { sql, join, raw } = Prisma;

/** The page that `spec` asks for, of what `subset` leaves visible (rules/rights.ts). */
export async function listPage(
  { prisma, provider }: Database,
  resource: ListedResource,
  spec: ListSpec,
  subset: Record<string, Match>,
): Promise<ListBody> {
  const { name, kind, load } = TABLES[resource];
  const table = column(name);
  const find = provider === 'sqlite' ? raw('instr') : raw('strpos');
  const matching = [
    ...(kind === undefined ? [] : [sql`"kind" = ${kind}`]),
    ...Object.entries(spec.where).flatMap(([field, match]) => condition(field, match)),
    ...Object.entries(subset).flatMap(([field, match]) => condition(field, match)),
    ...spec.terms.map((term) => sql`${find}("search", ${term}) > 0`),
  ];
  const onPage = spec.after === null ? matching : [...matching, isAfter(spec.order, spec.after)];
  const order = join(spec.order.map(([field, direction]) => sql`${column(field)} ${raw(direction)}`));
  const [rows, counted] = await Promise.all([
    prisma.$queryRaw<{ id: string }[]>(
      sql`SELECT "id" FROM ${table} WHERE ${all(onPage)} ORDER BY ${order} LIMIT ${spec.limit + 1}`,
    ),
    prisma.$queryRaw<{ total: bigint }[]>(sql`SELECT count(*) AS "total" FROM ${table} WHERE ${all(matching)}`),
  ]);
  const ids = rows.map(({ id }) => id);
  const docs = ids.length === 0 ? [] : await load(prisma, ids);
  return listBody(spec, inOrder(ids, docs), Number(counted[0]?.total ?? 0));
}

/** Names come from the tables in rules/list.ts and rules/rights.ts, never from a request. */
const column = (name: string): Sql => raw(`"${name}"`);

const all = (conditions: Sql[]): Sql => (conditions.length === 0 ? sql`1 = 1` : join(conditions, ' AND '));

function condition(field: string, match: Match): Sql[] {
  const name = column(field);
  if (match === null) return [sql`${name} IS NULL`];
  if (typeof match !== 'object') return [sql`${name} = ${match}`];
  if (Array.isArray(match)) throw new TypeError(`"${field}" is compared with a list`);
  if ('in' in match && Array.isArray(match.in)) return [oneOf(name, match.in)];
  return Object.entries(match).map(([comparison, value]) => {
    const operator = OPERATORS[comparison];
    if (operator === undefined) throw new TypeError(`"${field}" is compared by "${comparison}"`);
    return sql`${name} ${operator} ${value}`;
  });
}

const OPERATORS: Readonly<Record<string, Sql>> = { gt: raw('>'), gte: raw('>='), lt: raw('<'), lte: raw('<=') };

function oneOf(name: Sql, values: readonly unknown[]): Sql {
  const known = values.filter((value) => value !== null);
  const either = [
    ...(known.length === 0 ? [] : [sql`${name} IN (${join(known)})`]),
    ...(known.length === values.length ? [] : [sql`${name} IS NULL`]),
  ];
  return either.length === 0 ? sql`1 = 0` : sql`(${join(either, ' OR ')})`;
}

/** What comes after a document: by the first field, or, where that is equal, by the next. */
function isAfter(order: ListSpec['order'], after: readonly unknown[]): Sql {
  const [[field, direction] = ['id', 'asc'], ...rest] = order;
  const [value, ...values] = after;
  const name = column(field);
  const beyond = sql`${name} ${raw(direction === 'asc' ? '>' : '<')} ${value}`;
  if (rest.length === 0) return beyond;
  // The first comparison alone lets an index begin at the right place.
  const from = sql`${name} ${raw(direction === 'asc' ? '>=' : '<=')} ${value}`;
  return sql`${from} AND (${beyond} OR ${isAfter(rest, values)})`;
}

/** A document that went between the two queries is left out. */
function inOrder(ids: string[], docs: Doc[]): Doc[] {
  const byId = new Map(docs.map((doc) => [doc.id, doc]));
  return ids.map((id) => byId.get(id)).filter((doc) => doc !== undefined);
}
