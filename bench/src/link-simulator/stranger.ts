/** Somebody on the way who answers in the app's place: a captive portal, a provider's gateway. */
import { createServer, type Server } from 'node:http';

const PORTAL = '<!doctype html><title>Welcome to FreeWiFi</title><form action="/login"><button>Sign in</button></form>';
const GATEWAY = [
  [502, 'Bad Gateway'],
  [503, 'Service Temporarily Unavailable'],
  [504, 'Gateway Time-out'],
] as const;

/** An HTTP server that listens nowhere: hand it connections with `emit('connection', socket)`. */
export function createStranger(who: 'portal' | 'gateway', delayMs: () => number): Server {
  let turn = 0;
  return createServer((request, response) => {
    const [status, title] = who === 'portal' ? [200, ''] : (GATEWAY[turn++ % GATEWAY.length] ?? GATEWAY[0]);
    const page = who === 'portal' ? PORTAL : `<html><head><title>${status} ${title}</title></head></html>`;
    request.resume();
    setTimeout(() => response.writeHead(status, { 'content-type': 'text/html' }).end(page), delayMs());
  });
}
