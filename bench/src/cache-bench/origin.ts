/** The origin that all products stand in front of: cacheable JSON of any size, and a count of what reached it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { etagOf } from './cases.ts';

const bodies = new Map<number, Buffer>();
let asked = 0;

const server = createServer((request, response) => {
  const url = request.url ?? '/';
  if (url === '/asked') {
    response.end(String(asked));
    return;
  }
  asked++;
  const bytes = Number(url.split('/', 2)[1]) || 0;
  const etag = etagOf(bytes);
  const head = { 'cache-control': 'public, max-age=3600', etag };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, head).end();
    return;
  }
  const body = bodies.get(bytes) ?? bodyOf(bytes);
  bodies.set(bytes, body);
  response.writeHead(200, { ...head, 'content-type': 'application/json', 'content-length': bytes }).end(body);
});
server.keepAliveTimeout = 600_000;

/** A list of articles, cut to length. */
function bodyOf(bytes: number): Buffer {
  let text = '[';
  for (let id = 1; text.length < bytes; id++) text += `{"id":${id},"name":"article ${id}","price":"${id % 100}.50"},\n`;
  return Buffer.from(text.slice(0, bytes));
}

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
