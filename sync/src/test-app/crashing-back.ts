/**
 * For tests: a back in a process of its own, which dies at the crash point that its environment names. It carries out the
 * order for the inbox or the box that it is given, or else brings the link up, unless that is to stay down. Argument: JSON
 * of `CrashingJob`.
 */
import { startBack, type BackOptions, type BoxOrder } from '../client.ts';
import type { ActOrder } from '../inbox/types.ts';

export interface CrashingJob {
  options: Omit<BackOptions, 'cloud' | 'sealKey'> & { cloud: string };
  order: ActOrder | null;
  box?: BoxOrder;
  link?: 'offline';
}

const { options, order, box, link } = JSON.parse(process.argv[2] ?? '') as CrashingJob;
const sealKey = new Uint8Array(32).fill(7);
const back = await startBack({ ...options, cloud: new URL(options.cloud), sealKey });
back.on('failed', (error) => {
  throw error;
});
if (box !== undefined) await back.box(box, 'Ann');
else if (order === null) back.link(link ?? 'online', false);
else console.log(JSON.stringify(await back.inbox(order, { type: 'operator', name: 'the operator' })));
