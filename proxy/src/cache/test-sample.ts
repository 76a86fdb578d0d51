/** A stored response for tests, every part of it open to change. */
import type { StoredResponse } from './response.ts';

export const sampleResponse = (uri: string, body: string, part: Partial<StoredResponse> = {}): StoredResponse => ({
  uri,
  scope: '',
  shared: false,
  status: 200,
  headers: { 'content-type': 'text/plain', 'x-lines': ['a', 'b'] },
  vary: [],
  selection: '',
  coding: null,
  etag: '"e"',
  lastModified: null,
  storedAt: 1,
  birth: 1,
  freshUntil: 2,
  staleWhileRevalidateUntil: 3,
  staleIfErrorUntil: 4,
  staleIfOfflineUntil: 5,
  tags: ['products'],
  sequence: 7,
  cacheTags: [],
  body: Buffer.from(body),
  ...part,
});
