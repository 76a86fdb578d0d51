/**
 * For tests: a back in a process of its own, which dies at the crash point that its environment names, in the middle of
 * what it is told to do. Argument: JSON of `CrashingJob`.
 */
import { startBack, type Back, type BackOptions, type BoxOrder } from '../client.ts';
import type { ActOrder } from '../inbox/types.ts';
import { importQueue } from '../queue/transfer.ts';
import { until } from './edge.ts';

export type Deed =
  /** Starts, and has the link so. */
  | { type: 'link'; state: 'online' | 'offline' }
  | { type: 'inbox'; order: ActOrder }
  | { type: 'box'; order: BoxOrder }
  /** Takes in an exported queue; does not start. */
  | { type: 'import'; text: string }
  /** Once the replica is complete. */
  | { type: 'audit' }
  | { type: 'sign-in'; user: string; authorization: string }
  | { type: 'state'; key: string; value: string };

export interface CrashingJob {
  options: Omit<BackOptions, 'cloud' | 'sealKey'> & { cloud: string };
  deed: Deed;
}

const { options, deed } = JSON.parse(process.argv[2] ?? '') as CrashingJob;
if (deed.type === 'import') importQueue(options.data, deed.text);
else await startAndDo(deed);

async function startAndDo(what: Exclude<Deed, { type: 'import' }>): Promise<void> {
  const sealKey = new Uint8Array(32).fill(7);
  const back = await startBack({ ...options, cloud: new URL(options.cloud), sealKey });
  back.on('failed', (error) => {
    throw error;
  });
  await carryOut(back, what);
}

async function carryOut(back: Back, what: Exclude<Deed, { type: 'import' }>): Promise<unknown> {
  switch (what.type) {
    case 'link':
      return back.link(what.state, false);
    case 'inbox':
      return back.inbox(what.order, { type: 'operator', name: 'the operator' });
    case 'box':
      return back.box(what.order, 'Ann');
    case 'audit':
      back.link('online', false);
      await until('the replica is complete', () => back.status.replica.complete && back.status.replica.feed.live);
      return back.audit();
    case 'sign-in':
      return back.signedIn(what.user, what.authorization, {});
    case 'state':
      return back.state.set(what.key, what.value, null);
  }
}
