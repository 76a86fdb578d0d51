/** The one way out to the cloud: a pool of connections, one set of header rules, one source of evidence on the link. */
import { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { Fate, Fault } from '@larder/sync/link';
import { Attempt } from './cloud/attempt.ts';
import type { Genuine } from './cloud/genuine.ts';
import { toCloud } from './cloud/headers.ts';

export type HeaderFields = Record<string, string | string[]>;

/** Who sent a request: told to the app where the answer is for that client alone. */
export interface Client {
  /** IP address. */
  address: string;
  /** It came over TLS. */
  secure: boolean;
}

export interface CloudRequest {
  method: string;
  /** Path and query. */
  path: string;
  /** End-to-end headers, lower-case. */
  headers: HeaderFields;
  body: Readable | string | null;
  /** Left out where the answer may be shared. */
  client?: Client;
  /** Longest wait for the head of the answer, ms. Past it `LARDER_CLOUD_TIMEOUT`, and the link learns nothing. */
  timeout?: number;
  signal?: AbortSignal;
  /** Told of each 1xx answer that comes before the final one (RFC 9110 §15.2). */
  onInterim?(status: number, headers: HeaderFields): void;
}

export interface CloudResponse {
  status: number;
  /** Hop-by-hop headers, and those that Connection names, already removed (RFC 9110 §7.6.1). */
  headers: HeaderFields;
  /** Errors with a `CloudFault` where the connection breaks before the end. */
  readonly body: Readable;
  /** All of the body, where it came along with its head and nobody has asked for `body`; else null. */
  early(): Buffer | null;
}

/**
 * Sends requests to the cloud. `request` rejects with a `CloudFault` where no answer of the app's own came; an answer
 * that `App.genuine` does not own is such a fault. Every fate is reported to the link.
 */
export interface Cloud {
  request(request: CloudRequest): Promise<CloudResponse>;
  close(): Promise<void>;
}

export interface PooledCloud extends Cloud {
  /**
   * Lets go of every connection: what is under way goes on, what comes next gets a new one. To be called when the link
   * returns, because connections from before may be dead without knowing it.
   */
  renew(): void;
}

export interface CloudOptions {
  /** Only scheme, host and port count. */
  origin: URL;
  /** From the profile; without it every answer counts as the app's own. */
  genuine?: Genuine;
  /**
   * Gets exactly one fate for every request, once its answer is complete or has failed; none where it was aborted by
   * us. `ms` is the time to the answer's headers, or to the failure.
   */
  report(fate: Fate): void;
  /** Name look-up, TCP and TLS together, ms. */
  connectTimeout: number;
  /** Longest wait for a free connection, and again from the request's last byte to the answer's headers, ms. */
  headersTimeout: number;
  /** Longest silence within a body, ms. undici's timers are coarse: up to a second is added to each limit. */
  bodyTimeout: number;
  /** Connections at the most. */
  connections: number;
  /** PEM certificates to trust instead of the system's. */
  ca?: string;
}

/** After these the other connections may be dead as well: the way to the cloud has changed. */
const SUSPECT: ReadonlySet<Fault> = new Set(['silent', 'reset', 'unreachable']);

/** A pool younger than this is not replaced again, ms: a cloud that resets every request must not cost a pool each. */
const MIN_AGE = 1000;

/**
 * Opens the way out. Connections are made when they are needed; they are replaced together after a fault that may have
 * hit all of them, so that a request after an outage never waits for one that died in it.
 */
export function createCloud(options: CloudOptions): PooledCloud {
  const retired = new Set<Pool>();
  let pool = open(options);
  let opened = performance.now();

  function renew(): void {
    const old = pool;
    pool = open(options);
    opened = performance.now();
    retired.add(old);
    void old.close().finally(() => retired.delete(old));
  }

  function attempt({ timeout, signal, onInterim }: Pick<CloudRequest, 'timeout' | 'signal' | 'onInterim'>): Attempt {
    const mine = pool;
    return new Attempt({
      genuine: options.genuine,
      patience: options.headersTimeout,
      timeout,
      signal,
      onInterim,
      report(fate) {
        const suspect = fate.type === 'failed' && SUSPECT.has(fate.fault);
        if (suspect && mine === pool && performance.now() - opened >= MIN_AGE) renew();
        options.report(fate);
      },
    });
  }

  return {
    renew,
    request(request) {
      const { method, path, body, signal } = request;
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      const headers = toCloud(request.headers, request.client ?? null);
      // The length of what is really sent is known here.
      if (!(body instanceof Readable)) delete headers['content-length'];
      const sending = attempt(request);
      // A body that breaks off, because its sender did, says nothing about the link.
      if (body instanceof Readable) body.once('error', (error) => sending.abort(error));
      pool.dispatch({ method, path, headers, body }, sending);
      return sending.answer;
    },
    async close() {
      await Promise.all([pool, ...retired].map((each) => each.destroy()));
    },
  };
}

function open(options: CloudOptions): Pool {
  return new Pool(options.origin.origin, {
    connections: options.connections,
    connect: { timeout: options.connectTimeout, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    headersTimeout: options.headersTimeout,
    bodyTimeout: options.bodyTimeout,
    // One connection per request under way: a stalled one then holds up nothing else.
    allowH2: false,
    pipelining: 1,
  });
}
