/**
 * A process for disk.test.ts whose files may not grow past a size, so that its disk takes no more. Stores `/kept` and
 * `/purged`, fills the disk, removes `/purged`, tells what came of that, and waits to be killed.
 */
import { randomBytes } from 'node:crypto';
import { openDiskStore } from './disk.ts';
import { sweep } from './sweep.ts';
import { sampleResponse } from './test-sample.ts';

const [directory = '', how] = process.argv.slice(2);
const before = await openDiskStore({ directory, maxBytes: 1e7, version: '1' });
for (const uri of ['/kept', '/purged']) before.put(sampleResponse(uri, uri));
await before.close();

const store = await openDiskStore({ directory, maxBytes: 1e7, version: '1' });
// The slots, long by their addresses, are what fills level's own log; the records lie in files that are smaller.
while (store.figures.faults === 0) {
  for (let i = 0; i < 50; i++) store.put(sampleResponse(`/${randomBytes(2000).toString('hex')}`, ''));
  store.put(sampleResponse('/removed-at-once', ''));
  await sweep([store], [{ by: 'path', value: '/removed-at-once' }], null).catch(() => undefined);
}
const removal = sweep([store], [{ by: 'path', value: '/purged' }], how === 'soft' ? 1 : null);
process.send?.(
  await removal.then(
    () => 'done',
    (error: { code: string }) => error.code,
  ),
);
setInterval(() => undefined, 1000);
