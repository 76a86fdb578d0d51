/** The person who looks after the box: where it says that it is not the current one, they have it take over (docs/boxes.md). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const OFTEN = 250;
const PATIENCE = 6000;

/** Begins; returns what ends it. */
export function takeCareOf(box: { readonly edgeUrl: string; readonly edgeData: string }): () => void {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    // A box that is down, or cut off, is seen to the next time.
    void seeTo(box)
      .catch(() => undefined)
      .finally(() => (busy = false));
  }, OFTEN);
  return () => clearInterval(timer);
}

async function seeTo({ edgeUrl, edgeData }: { edgeUrl: string; edgeData: string }): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(`${edgeUrl}/_edge/status`, { signal });
  const { box } = (await answer.json()) as { box: { standing: string } };
  if (box.standing !== 'fork' && box.standing !== 'superseded') return;
  const token = readFileSync(join(edgeData, 'console-token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${edgeUrl}/_edge/box/take-over`, { method: 'POST', body: '{}', headers, signal });
}
