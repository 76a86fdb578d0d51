/** Which document has a number, and which numbers of a store's tills have not arrived. */
import { Prisma } from '../../prisma/generated/sqlite/client.ts';
import type * as z from 'zod';
import { NumberGaps } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import { parseNumber, TILL } from '../../rules/receipt-numbers.ts';
import type { FactKind } from '../../rules/resources.ts';
import { assertMayReadGaps } from '../../rules/rights.ts';
import { authenticate, readerOf } from '../auth/caller.ts';
import { type Answer, type Call, jsonAnswer } from '../call.ts';
import type { Database, Transaction } from '../db/open.ts';
import type { Services } from '../services.ts';
import type { AnyFact } from './fact-rows.ts';

/** Series in one answer, and runs of missing numbers in one series. */
const MAX_SERIES = 200;
const MAX_GAPS = 100;

/**
 * Keeps a fact's number for it; the id of the document that has it already, or null. Of a till's receipts every number is
 * single in its store, whatever it stands on, also where two come at one time: the key lets only one in, and the other
 * transaction runs again. Numbers of other kinds (an import's, a supplier's) are single by kind and till.
 */
export async function claimNumber(tx: Transaction, kind: FactKind, fact: AnyFact): Promise<string | null> {
  const { id, storeId, till, number } = fact;
  if (number === null) return null;
  const parsed = parseNumber(number);
  if (parsed === null || parsed.storeId !== storeId) {
    const twin = await tx.fact.findFirst({ where: { kind, storeId, till, number, id: { not: id } } });
    return twin?.id ?? null;
  }
  const first = await tx.receiptNumber.findUnique({ where: { storeId_till_generation_seq: parsed } });
  if (first !== null) return first.documentId;
  await tx.receiptNumber.create({ data: { ...parsed, documentId: id } });
  return null;
}

/** `GET /number-gaps`: for managers of the store and admins. */
export async function readNumberGaps(services: Services, call: Call): Promise<Answer> {
  const reader = readerOf(await authenticate(services, call.headers));
  const { storeId, till } = parameters(call);
  assertMayReadGaps(reader, storeId);
  return jsonAnswer(await numberGaps(services.database, storeId, till), { 'cache-control': 'no-store' });
}

function parameters({ query }: Call): { storeId: string; till: string | null } {
  for (const name of query.keys()) {
    if (name !== 'storeId' && name !== 'till') throw invalid(name, 'is not a parameter of number-gaps');
    if (query.getAll(name).length > 1) throw invalid(name, 'is given twice');
  }
  const storeId = NumberGaps.shape.storeId.safeParse(query.get('storeId'));
  if (!storeId.success) throw invalid('storeId', "must be a store's id, S001");
  const till = query.get('till');
  if (till !== null && !TILL.test(till)) throw invalid('till', 'must be T1 to T99');
  return { storeId: storeId.data, till };
}

function invalid(path: string, message: string): ProblemError {
  return new ProblemError('invalid-query', `\`${path}\` ${message}.`, { errors: [{ path, message }] });
}

/** As the driver gives them: SQLite's integers are numbers or bigints, by their size. */
type Row<F extends string> = { till: string } & Record<F, bigint | number>;

async function numberGaps(
  { prisma }: Database,
  storeId: string,
  till: string | null,
): Promise<z.output<typeof NumberGaps>> {
  const { sql } = Prisma;
  const where = till === null ? sql`"storeId" = ${storeId}` : sql`"storeId" = ${storeId} AND "till" = ${till}`;
  const series = await prisma.$queryRaw<Row<'generation' | 'first' | 'last' | 'count'>[]>(
    sql`SELECT "till", "generation", min("seq") AS "first", max("seq") AS "last", count(*) AS "count"
      FROM "ReceiptNumber" WHERE ${where} GROUP BY "till", "generation"
      ORDER BY length("till"), "till", "generation" DESC LIMIT ${MAX_SERIES + 1}`,
  );
  // A series begins at 1: the number before the lowest is taken for 0.
  const gaps = await prisma.$queryRaw<Row<'generation' | 'before' | 'seq'>[]>(
    sql`SELECT * FROM (
      SELECT "till", "generation", "seq", "before",
        row_number() OVER (PARTITION BY "till", "generation" ORDER BY "seq" DESC) AS "at"
      FROM (
        SELECT "till", "generation", "seq",
          lag("seq", 1, 0) OVER (PARTITION BY "till", "generation" ORDER BY "seq") AS "before"
        FROM "ReceiptNumber" WHERE ${where}
      ) AS "steps" WHERE "seq" - "before" > 1
    ) AS "gaps" WHERE "at" <= ${MAX_GAPS} ORDER BY "seq"`,
  );
  const bySeries = Map.groupBy(gaps, seriesOf);
  const data = series.slice(0, MAX_SERIES).map((row) => ({
    till: row.till,
    generation: Number(row.generation),
    first: Number(row.first),
    last: Number(row.last),
    count: Number(row.count),
    missing: Number(row.last) - Number(row.count),
    gaps: (bySeries.get(seriesOf(row)) ?? []).map(({ before, seq }) => ({
      from: Number(before) + 1,
      to: Number(seq) - 1,
    })),
  }));
  return { storeId, data, more: series.length > MAX_SERIES };
}

const seriesOf = ({ till, generation }: Row<'generation'>) => `${till} ${generation}`;
