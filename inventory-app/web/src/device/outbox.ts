/** Facts go in here first, and are durable when they are in; `sender.ts` takes them to the cloud. */
import { uuidv7 } from 'uuidv7';
import { session } from '../net/session.ts';
import { device, type Recorded, type RecordedBody, type RecordedKind } from './db.ts';
import { takeNumber } from './till.ts';

/** How a fact moves stock. */
const SIGN = {
  sales: -1,
  returns: 1,
  receipts: 1,
  adjustments: 1,
  'till-starts': 0,
} as const satisfies Record<RecordedKind, number>;

/** What prints a receipt, and so has a number. */
const NUMBERED: ReadonlySet<RecordedKind> = new Set<RecordedKind>(['sales', 'returns']);

/**
 * Keeps a fact that has happened. It is safe on this device when this resolves, with the number of its receipt where
 * this device is a till.
 */
export async function keep(kind: RecordedKind, body: RecordedBody): Promise<Recorded> {
  const signedIn = session();
  if (signedIn === null) throw new Error('nobody is signed in');
  const { id, name } = signedIn.user;
  const fact = { key: uuidv7(), kind, by: { id, name }, token: signedIn.token, state: 'here' as const, why: null };
  return device.transaction('rw', [device.outbox, device.kept], async () => {
    const numbered = NUMBERED.has(kind) ? await takeNumber(body.storeId) : null;
    const whole = { ...fact, body: { ...body, ...numbered } };
    const seq = await device.outbox.add(whole as Recorded);
    return { ...whole, seq };
  });
}

/** By how much what was recorded here and is in nobody else's books yet moves a product's stock. */
export function movedBy(recorded: readonly Recorded[], storeId: string): Map<string, number> {
  const moved = new Map<string, number>();
  for (const { kind, body, state } of recorded) {
    if (state !== 'here' || body.storeId !== storeId) continue;
    for (const { productId, qty } of body.lines ?? [])
      moved.set(productId, (moved.get(productId) ?? 0) + SIGN[kind] * qty);
  }
  return moved;
}
