/** Edits of products that are on their way to the cloud, as far as this tab knows. */
import { useEffect, useSyncExternalStore } from 'react';
import { useEdge } from '../../net/edge-status.ts';

const PLACE = 'inventory.waiting';
const NONE: ReadonlySet<string> = new Set();

let waiting: ReadonlySet<string> = new Set(JSON.parse(sessionStorage.getItem(PLACE) ?? '[]') as string[]);
const listeners = new Set<() => void>();

function keep(next: ReadonlySet<string>): void {
  waiting = next;
  sessionStorage.setItem(PLACE, JSON.stringify([...next]));
  for (const listener of listeners) listener();
}

export const waits = (productId: string): void => keep(new Set([...waiting, productId]));

function follow(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useWaitingEdits(): ReadonlySet<string> {
  const edge = useEdge();
  const isEmpty = edge === 'none' || (typeof edge === 'object' && edge.queue?.length === 0);
  useEffect(() => {
    if (isEmpty && waiting.size > 0) keep(NONE);
  }, [isEmpty, edge]);
  return useSyncExternalStore(follow, () => waiting);
}
