/**
 * The link's states as one complete table. Pure: link.ts adds time, probes and a log.
 *
 *                    odd                      odd probe
 *     ┌────────┐ ──────────────▶ ┌──────────┐ ──────────────▶ ┌─────────┐ ◀─┐ no answer
 *     │ online │                 │ doubtful │                 │ offline │ ──┘
 *     └────────┘ ◀────────────── └──────────┘                 └─────────┘
 *       ▲    │    any answer          │           cut           ▲  ▲  │
 *       │    │                        └─────────────────────────┘  │  │ good probe
 *       │    └─────────────────────────────────────────────────────┘  ▼
 *       │                         cut                           ┌───────────┐
 *       └────────────────────────────────────────────────────── │ returning │ ──▶ offline, on any bad probe
 *                             good probe                        └───────────┘
 *
 * To everybody else `returning` is offline: one good probe may be luck. `suspected` is online: a request has waited
 * longer than usual, so the link is asked, and a probe that fails as well is believed at once.
 *
 *     online ── slow ──▶ suspected ── any answer ──▶ online
 *                            └── bad probe ──▶ offline
 */
import type { Fate, Fault, LinkState } from '@larder/sync/link';

export type Phase = LinkState | 'suspected' | 'returning';

/** What became of a request or of a probe, as far as the table cares. */
export type Evidence = `${'request' | 'probe'}-${'answered' | 'cut' | 'odd'}` | 'request-slow';

export interface Step {
  to: Phase;
  /** Ask at once, instead of when it is next due. */
  probe?: true;
}

/**
 * `cut`: no connection can be made, which one request proves. `odd`: something else may explain it, such as one slow
 * query or one crashed worker, so the link is asked before it is believed.
 */
const WEIGHT: Readonly<Record<Fault, 'cut' | 'odd'>> = {
  refused: 'cut',
  unreachable: 'cut',
  dns: 'cut',
  reset: 'odd',
  silent: 'odd',
  tls: 'odd',
  gateway: 'odd',
  portal: 'odd',
};

export function evidenceOf(from: 'request' | 'probe', fate: Fate): Evidence {
  return `${from}-${fate.type === 'answered' ? 'answered' : WEIGHT[fate.fault]}`;
}

export const STEPS: Readonly<Record<Phase, Readonly<Record<Evidence, Step>>>> = {
  online: {
    'request-answered': { to: 'online' },
    'request-cut': { to: 'offline' },
    'request-odd': { to: 'doubtful', probe: true },
    'request-slow': { to: 'suspected', probe: true },
    'probe-answered': { to: 'online' },
    'probe-cut': { to: 'offline' },
    'probe-odd': { to: 'doubtful', probe: true },
  },
  suspected: {
    'request-answered': { to: 'online' },
    'request-cut': { to: 'offline' },
    'request-odd': { to: 'doubtful' },
    'request-slow': { to: 'suspected' },
    'probe-answered': { to: 'online' },
    'probe-cut': { to: 'offline' },
    'probe-odd': { to: 'offline' },
  },
  doubtful: {
    'request-answered': { to: 'online' },
    'request-cut': { to: 'offline' },
    'request-odd': { to: 'doubtful' },
    'request-slow': { to: 'doubtful' },
    'probe-answered': { to: 'online' },
    'probe-cut': { to: 'offline' },
    'probe-odd': { to: 'offline' },
  },
  offline: {
    // One answer is a reason to look, not yet a link.
    'request-answered': { to: 'offline', probe: true },
    'request-cut': { to: 'offline' },
    'request-odd': { to: 'offline' },
    'request-slow': { to: 'offline' },
    'probe-answered': { to: 'returning' },
    'probe-cut': { to: 'offline' },
    'probe-odd': { to: 'offline' },
  },
  returning: {
    'request-answered': { to: 'returning' },
    'request-cut': { to: 'offline' },
    // The second probe is about to decide it anyway.
    'request-odd': { to: 'returning' },
    'request-slow': { to: 'returning' },
    'probe-answered': { to: 'online' },
    'probe-cut': { to: 'offline' },
    'probe-odd': { to: 'offline' },
  },
};

export function stateOf(phase: Phase): LinkState {
  if (phase === 'returning') return 'offline';
  return phase === 'suspected' ? 'online' : phase;
}
