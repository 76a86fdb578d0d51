/** A device becomes a till. */
import { uuidv7 } from 'uuidv7';
import type { Series } from '../../../rules/receipt-numbers.ts';
import { request } from '../net/request.ts';
import { record } from '../work.ts';
import { keepTill } from './till.ts';

interface Started extends Series {
  id: string;
  startedAt: string;
}

/**
 * Makes this device a till. Its series comes from whoever answers, cloud or box; without one of them it cannot begin. Each
 * try is a new one: where no answer came, nobody uses what was given. Throws `Trouble`.
 */
export async function startTill(storeId: string, till: string, name: string): Promise<void> {
  const id = uuidv7();
  const { body } = await request<Started>('POST', '/till-starts', {
    key: uuidv7(),
    body: { id, storeId, till, device: name },
  });
  const { generation, startedAt } = body;
  await keepTill({ storeId, till, generation, last: 0 });
  // Told again with what was given: a box that dies with its disk takes nothing with it.
  await record('till-starts', { id, storeId, till, device: name, generation, startedAt });
}
