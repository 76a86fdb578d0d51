/** What front and back tell one another about the link. The front owns its state; the back reports to it. */

/** `doubtful`: something went wrong that one request cannot prove; a probe is under way. */
export type LinkState = 'online' | 'doubtful' | 'offline';

export type Fault =
  /** Nothing listens there. */
  | 'refused'
  /** No route to it. */
  | 'unreachable'
  /** The connection broke in the middle. */
  | 'reset'
  /** Nothing came within the time limit. */
  | 'silent'
  | 'dns'
  | 'tls'
  /** 502, 503 or 504 from something that is not the app. */
  | 'gateway'
  /** An answer that is not the app's: a captive portal's, a provider's. */
  | 'portal';

/** What became of one request to the cloud. Every request has a fate, and every fate is told to the link. */
export type Fate = { type: 'answered'; ms: number } | { type: 'failed'; fault: Fault; ms: number };
