/**
 * Takes the outbox up: in order, each under its key, to whatever answers at the store's address. What the store's edge
 * has taken is offered again until it says that the cloud has it; only then is it let go. One tab at a time, where the
 * browser can keep tabs apart; where it cannot, the keys keep everything single.
 */
import { request } from '../net/request.ts';
import { session } from '../net/session.ts';
import { Trouble } from '../net/trouble.ts';
import { device, type Recorded } from './db.ts';

const LOCK = 'inventory.outbox';
/** ms. */
const REST = 3_000;
const LONGEST_REST = 60_000;

/** Says how it went on: what was changed, null where nothing could be sent. */
async function offer(fact: Recorded): Promise<'settled' | Pick<Recorded, 'state' | 'why'>> {
  try {
    const { source } = await post(fact, fact.token);
    return source.from === 'cloud' || source.from === 'none' ? 'settled' : { state: 'store', why: null };
  } catch (error) {
    if (!(error instanceof Trouble) || !isFinal(error)) throw error;
    return { state: 'refused', why: error.said };
  }
}

/** Where the token of whoever recorded it is over, it goes with that of whoever is signed in now. */
async function post({ kind, key, body }: Recorded, token: string) {
  try {
    return await request<{ id: string }>('POST', `/${kind}`, { key, body, token });
  } catch (error) {
    const now = session()?.token;
    if (!(error instanceof Trouble) || error.status !== 401 || now === undefined || now === token) throw error;
    return request<{ id: string }>('POST', `/${kind}`, { key, body, token: now });
  }
}

/** Will not be taken as it is, however often it is offered. */
function isFinal({ status, code }: Trouble): boolean {
  const isTransient = status === 401 || status === 408 || status === 429 || code === 'in-flight';
  return status >= 400 && status < 500 && !isTransient;
}

/** Offers all that waits, once; rejects where an answer fails to come. */
async function round(): Promise<void> {
  for (const fact of await device.outbox.where('state').notEqual('refused').sortBy('seq')) {
    const outcome = await offer(fact);
    if (outcome === 'settled') await device.outbox.delete(fact.seq);
    else await device.outbox.update(fact.seq, outcome);
  }
}

export class Sender {
  #wake = () => {};

  /** Sends for as long as this tab lives. */
  async run(): Promise<void> {
    // Only a page of a safe origin has locks.
    const { locks } = navigator as { locks?: LockManager };
    if (locks === undefined) await this.#loop();
    else await locks.request(LOCK, () => this.#loop());
  }

  /** There is something new, or somebody to answer: no need to rest any longer. */
  wake(): void {
    this.#wake();
  }

  async #loop(): Promise<void> {
    let rest = REST;
    for (;;) {
      try {
        await round();
        rest = REST;
      } catch {
        // Full jitter: a shop full of tills does not come back in step.
        rest = Math.min(LONGEST_REST, rest * 2);
      }
      await this.#rested(rest === REST ? REST : Math.random() * rest);
    }
  }

  #rested(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
