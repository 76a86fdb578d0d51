/** A process for disk.test.ts to kill: it says so when a removal has been promised. */
import { openDiskStore } from './disk.ts';
import { sweep } from './sweep.ts';
import { sampleResponse } from './test-sample.ts';

const [directory = ''] = process.argv.slice(2);
const first = await openDiskStore({ directory, maxBytes: 1e7, version: '1' });
first.put(sampleResponse('/kept', 'kept'));
first.put(sampleResponse('/removed', 'removed'));
await first.close();

const second = await openDiskStore({ directory, maxBytes: 1e7, version: '1' });
await sweep([second], [{ by: 'path', value: '/removed' }], null);
process.send?.('removed');
setInterval(() => undefined, 1000);
