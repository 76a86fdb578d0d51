/** Keyv over the back's small state: what it keeps survives restarts. */
import { EventEmitter } from 'node:events';
import type { StateStore } from '@larder/sync/client';
import { Keyv } from 'keyv';
import type { KeyvStoreAdapter, StoredData } from 'keyv';

class StateAdapter extends EventEmitter implements KeyvStoreAdapter {
  readonly opts = {};
  readonly #state: StateStore;

  constructor(state: StateStore) {
    super();
    this.#state = state;
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    // Keyv's own envelope, as `set` was given it.
    return (await this.#state.get(key)) as StoredData<Value> | undefined;
  }

  set(key: string, value: string, ttl?: number): Promise<void> {
    return this.#state.set(key, value, ttl === undefined ? null : Date.now() + ttl);
  }

  delete(key: string): Promise<boolean> {
    return this.#state.delete(key);
  }

  clear(): Promise<void> {
    return Promise.reject(new TypeError('state is deleted key by key'));
  }
}

/** A Keyv of its own namespace. Rejects where the state cannot be read or written. */
export function createKeyv<Value>(state: StateStore, namespace: string): Keyv<Value> {
  return new Keyv<Value>({ store: new StateAdapter(state), namespace, emitErrors: false, throwOnErrors: true });
}
