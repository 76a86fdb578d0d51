/** The one way out to the cloud: a pool of connections, one set of header rules, one source of evidence on the link. */
import type { Readable } from 'node:stream';

export type HeaderFields = Record<string, string | string[]>;

export interface CloudRequest {
  method: string;
  /** Path and query. */
  path: string;
  /** End-to-end headers, lower-case. */
  headers: HeaderFields;
  body: Readable | string | null;
  signal?: AbortSignal;
}

export interface CloudResponse {
  status: number;
  /** Hop-by-hop headers, and those that Connection names, already removed (RFC 9110 §7.6.1). */
  headers: HeaderFields;
  /** Errors with a `CloudFault` where the connection breaks before the end. */
  body: Readable;
}

/**
 * Sends requests to the cloud. `request` rejects with a `CloudFault` where no answer of the app's own came; an answer
 * that `App.genuine` does not own is such a fault. Every fate is reported to the link.
 */
export interface Cloud {
  request(request: CloudRequest): Promise<CloudResponse>;
  close(): Promise<void>;
}
