/** What goes on behind the screens: the copy is kept up to date, and the outbox goes up. */
import { refresh } from './device/mirror.ts';
import { Sender } from './device/sender.ts';

const EVERY = 15_000;

export const sender = new Sender();
let isSending = false;

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
