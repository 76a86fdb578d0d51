/** What a person sees instead of a page that nobody here has. */
import { ERRORS } from '@larder/sync/errors';
import type { ClientResponse } from '../exchange.ts';

const { status, title, advice } = ERRORS.LARDER_OFFLINE;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Offline</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}</style>
<h1>Offline</h1>
<p>${title}</p>
<p>${advice}</p>
<p><a href="">Try again</a></p>
</html>
`;

export function sendOfflinePage(response: ClientResponse): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(PAGE),
    'cache-control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : PAGE);
}
