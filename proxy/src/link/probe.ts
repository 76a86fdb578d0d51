/** One question to the cloud: are you there, and are you the app? */
import { Client } from 'undici';
import { faultOf } from '@larder/sync/fault';
import type { Fate, Fault } from '@larder/sync/link';
import { fromCloud } from '../cloud/headers.ts';
import { type Genuine, strangerOf } from '../cloud/genuine.ts';

export interface ProbeOptions {
  /** Only scheme, host and port count. */
  origin: URL;
  /** `App.probe` and `App.genuine`; null without a profile: then any answer to `HEAD /` will do. */
  app: { probe: string; genuine: Genuine } | null;
  /**
   * For the whole of it: name, connection, certificate, answer and body. ms. On a slow link it adapts, up to four times
   * as much.
   */
  timeout: number;
  /** PEM certificates to trust instead of the system's. */
  ca?: string;
}

export const PROBE_TIMEOUT = 1000;

/**
 * Makes a probe that never rejects. Each probe opens a connection of its own: one that is open already proves neither
 * the name nor the route nor the certificate, and after a black hole it may be dead without knowing it.
 */
export function createProbe(options: ProbeOptions): () => Promise<Fate> {
  const patience = createPatience(options.timeout);
  return async () => {
    const begun = performance.now();
    const limit = patience.next();
    const client = new Client(options.origin.origin, {
      connect: { timeout: limit, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      allowH2: false,
    });
    try {
      const fault = await ask(client, options.app, limit);
      const ms = performance.now() - begun;
      if (fault !== null) return { type: 'failed', fault, ms };
      patience.answered(ms);
      return { type: 'answered', ms };
    } catch (error) {
      return { type: 'failed', fault: faultOf(error).fault, ms: performance.now() - begun };
    } finally {
      void client.destroy();
    }
  };
}

/**
 * How long to wait. Short, so that silence is noticed soon; but a link that has become slow is not one that is cut, and
 * must not stay offline for ever (I5): so it follows the usual time of an answer, and every third probe without one
 * waits as long as it may.
 */
function createPatience(shortest: number) {
  const longest = 4 * shortest;
  let usual = 0;
  let inVain = 0;
  return {
    /** Whole ms: `AbortSignal.timeout` throws at a fraction. */
    next(): number {
      inVain += 1;
      return inVain % 3 === 0 ? longest : Math.min(longest, Math.max(shortest, Math.ceil(4 * usual)));
    },
    answered(ms: number): void {
      inVain = 0;
      usual = Math.max(ms, 0.8 * usual + 0.2 * ms);
    },
  };
}

async function ask(client: Client, app: ProbeOptions['app'], limit: number): Promise<Fault | null> {
  const answer = await client.request({
    method: app === null ? 'HEAD' : 'GET',
    path: app?.probe ?? '/',
    // A shared cache's answer would prove nothing (RFC 9111 §5.2.1.4).
    headers: { 'cache-control': 'no-cache', via: '1.1 larder' },
    signal: AbortSignal.timeout(limit),
  });
  answer.body.on('error', () => undefined);
  const stranger = strangerOf(app?.genuine, answer.statusCode, fromCloud(answer.headers));
  // A link that stalls lets the headers through: only the whole answer counts.
  if (stranger === null) await answer.body.arrayBuffer();
  return stranger;
}
