/** The life of a read. See DESIGN.md. */
import type { Back } from '@larder/sync/client';
import type { LinkState } from '@larder/sync/link';
import type { Cache } from './cache/cache.ts';
import type { Cloud } from './cloud.ts';
import type { Exchange } from './exchange.ts';

export interface ReaderDeps {
  cache: Cache;
  cloud: Cloud;
  /** Null without a profile. */
  back: Back | null;
  /** Live: read at every request. `held`: the operator wants nothing sent. */
  link: { readonly state: LinkState; readonly held: boolean };
  /** ms since 1970. */
  clock: () => number;
  config: {
    /** Longest wait for the cloud where a lower rung can answer, ms. */
    patienceCeiling: number;
    /** Longest wait for the head of an answer, ms. */
    hardTimeout: number;
    /** Largest answer that is stored, bytes. */
    maxObjectBytes: number;
  };
}

export interface Reader {
  /** Answers a GET or HEAD. Never rejects. */
  read(exchange: Exchange): Promise<void>;
  /** Aborts fetches that nobody waits for: call it when the link is found down. */
  abandon(): void;
  /** Answers by outcome, since the start. */
  readonly counters: Readonly<Record<string, number>>;
}

export declare function createReader(deps: ReaderDeps): Reader;
