/** One question to the cloud: are you there, and are you the app? */
import { Client } from 'undici';
import { faultOf } from '@larder/sync/fault';
import type { Fate } from '@larder/sync/link';
import { fromCloud } from '../cloud/headers.ts';
import { type Genuine, strangerOf } from '../cloud/genuine.ts';

export interface ProbeOptions {
  /** Only scheme, host and port count. */
  origin: URL;
  /** `App.probe` and `App.genuine`; null without a profile: then any answer to `HEAD /` will do. */
  app: { probe: string; genuine: Genuine } | null;
  /** For the whole of it: name, connection, certificate, answer and body. ms. */
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
  return async () => {
    const begun = performance.now();
    const client = new Client(options.origin.origin, {
      connect: { timeout: options.timeout, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      allowH2: false,
    });
    try {
      const fault = await ask(client, options);
      const ms = performance.now() - begun;
      return fault === null ? { type: 'answered', ms } : { type: 'failed', fault, ms };
    } catch (error) {
      return { type: 'failed', fault: faultOf(error).fault, ms: performance.now() - begun };
    } finally {
      void client.destroy();
    }
  };
}

async function ask(client: Client, { app, timeout }: ProbeOptions): Promise<ReturnType<typeof strangerOf>> {
  const answer = await client.request({
    method: app === null ? 'HEAD' : 'GET',
    path: app?.probe ?? '/',
    // A shared cache's answer would prove nothing (RFC 9111 §5.2.1.4).
    headers: { 'cache-control': 'no-cache', via: '1.1 larder' },
    signal: AbortSignal.timeout(timeout),
  });
  answer.body.on('error', () => undefined);
  const stranger = strangerOf(app?.genuine, answer.statusCode, fromCloud(answer.headers));
  // A link that stalls lets the headers through: only the whole answer counts.
  if (stranger === null) await answer.body.arrayBuffer();
  return stranger;
}
