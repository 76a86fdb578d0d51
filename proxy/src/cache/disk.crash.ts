/** A process for disk.test.ts to kill: it says so when a removal has been promised. */
import { openDiskStore } from './disk.ts';
import type { StoredResponse } from './response.ts';

const [directory = ''] = process.argv.slice(2);
const response = (uri: string, body: string): StoredResponse => ({
  ...{
    uri,
    scope: '',
    shared: true,
    status: 200,
    headers: {},
    vary: [],
    selection: '',
    etag: null,
    lastModified: null,
  },
  ...{
    storedAt: 1,
    birth: 1,
    freshUntil: 2,
    staleWhileRevalidateUntil: 0,
    staleIfErrorUntil: 0,
    staleIfOfflineUntil: 3,
  },
  ...{ tags: ['products/1'], sequence: 7, body: Buffer.from(body) },
});

const first = await openDiskStore({ directory, maxBytes: 1e7, version: '1' });
first.put(response('/kept', 'kept'));
first.put(response('/removed', 'removed'));
await first.close();

const second = await openDiskStore({ directory, maxBytes: 1e7, version: '1' });
await second.remove('/removed');
process.send?.('removed');
setInterval(() => undefined, 1000);
