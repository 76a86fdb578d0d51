/**
 * What became of one request to the cloud. Every request has a fate, whoever made it, and every fate is told to the
 * link's state machine, which is the front's; the back's fates travel there as messages.
 */
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

export type Fate = { type: 'answered'; ms: number } | { type: 'failed'; fault: Fault; ms: number };
