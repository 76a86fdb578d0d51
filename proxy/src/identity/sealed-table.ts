/** Small records of people, each sealed at rest and under a name that tells nothing. All of them are in memory. */
import type { StateStore } from '@larder/sync/client';
import { seal, unseal } from '@larder/sync/seal';
import { hideBy } from './hide.ts';

export interface SealedTable<T> {
  get(id: string): T | undefined;
  all(): T[];
  /** In memory at once; resolves when it is durable. `expiresAt`: ms since 1970. */
  set(id: string, value: T, expiresAt: number): Promise<void>;
  delete(id: string): Promise<void>;
}

/** Loads what was kept; what another key sealed is nobody's. */
export async function openSealedTable<T>(state: StateStore, name: string, key: Uint8Array): Promise<SealedTable<T>> {
  const prefix = `${name}:`;
  const hide = hideBy(key);
  const keyOf = (id: string) => `${prefix}${hide(id)}`;
  const rows = new Map<string, T>();
  for (const [at, sealed] of await state.list(prefix)) {
    const text = unseal(key, at, Buffer.from(sealed, 'base64'));
    if (text === null) continue;
    const [id, value] = JSON.parse(text) as [string, T];
    rows.set(id, value);
  }
  return {
    get: (id) => rows.get(id),
    all: () => [...rows.values()],
    async set(id, value, expiresAt) {
      rows.set(id, value);
      const at = keyOf(id);
      await state.set(at, Buffer.from(seal(key, at, JSON.stringify([id, value]))).toString('base64'), expiresAt);
    },
    async delete(id) {
      rows.delete(id);
      await state.delete(keyOf(id));
    },
  };
}
