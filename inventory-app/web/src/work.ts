/** What goes on behind the screens: the copy is kept up to date, and the outbox goes up. */
import type { Recorded, RecordedBody, RecordedKind } from './device/db.ts';
import { refresh } from './device/mirror.ts';
import { keep } from './device/outbox.ts';
import { Sender } from './device/sender.ts';

const EVERY = 15_000;

const sender = new Sender();
let isSending = false;

/** Keeps what has happened, and sets about sending it; safe on this device when it resolves. */
export async function record(kind: RecordedKind, body: RecordedBody): Promise<Recorded> {
  const recorded = await keep(kind, body);
  sender.wake();
  return recorded;
}

/** Begins, for this store; returns how to end it. */
export function startWorking(storeId: string): () => void {
  let isOver = false;
  let timer: ReturnType<typeof setTimeout>;
  const again = async () => {
    // Without an answer the copy stays as it is, and says how old it is.
    await refresh(storeId).catch(() => undefined);
    if (!isOver) timer = setTimeout(() => void again(), EVERY);
  };
  void again();
  if (!isSending) void sender.run();
  isSending = true;
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
