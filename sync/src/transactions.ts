/** The cloud's transactions in a page of its feed. */
import type { Change } from './profile.ts';

/** A page's changes by the cloud's transactions, so that no reader sees half of one; all in one where it does not say. */
export function transactionsOf(changes: readonly Change[]): (readonly Change[])[] {
  if (changes.some(({ tx }) => tx === undefined)) return [changes];
  const transactions: Change[][] = [];
  let last: string | undefined;
  for (const change of changes) {
    if (change.tx === last) transactions.at(-1)?.push(change);
    else transactions.push([change]);
    last = change.tx;
  }
  return transactions;
}
