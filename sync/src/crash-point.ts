/**
 * Crash points: places at which the process kills itself, as `kill -9` would, so that tests can find out what start-up
 * makes of each durable step (I12). Armed by `LARDER_CRASH_AT=<point>[:<n>]`, the n-th time it is passed, and only under
 * `NODE_ENV=test`: without it the variable is no key of the configuration, and an edge that is given it does not start.
 */

/**
 * What is committed to `edge.db`, by what it is for. Each has a point before its commit and one after. There is no way to
 * commit without a step: `transaction` of database.ts asks for one, and nothing else may change the file.
 */
export const STEPS = [
  /** A start: the schema brought up to date, the profile's tables made, what was being sent put in doubt. */
  'schema',
  'tables',
  'restart',
  /** A queue taken from another box's export; and shown at the next start. */
  'import',
  'imported',
  /** Writes taken: entry, overlay and tags. */
  'accept',
  /** Entries marked as being sent, before the first byte. */
  'send',
  /** Verdicts, ids that the cloud gave, what they orphan. */
  'settle',
  /** Entries of unknown outcome put back into the queue. */
  'retry',
  /** What a person does with an entry of the inbox, and who it was. */
  'inbox',
  /** Entries of unknown outcome left to people. */
  'left',
  /** Delays ended because the link is back. */
  'hurry',
  /** A refusal that its caller has heard. */
  'heard',
  /** A slice of a page of the feed: bases, markers, rebase; the last one's cursor. */
  'feed',
  /** Entries whose markers lie behind the cursor. */
  'contained',
  /** The box's chain of starts, how it stands, and who let what it holds drain, which puts all of that in doubt. */
  'box',
  /** The cloud was restored: what it may have lost is marked to be offered again; and at last no longer. */
  'restored',
  /** A walk begins. */
  'walk-begun',
  /** The cursor from which the feed follows the walk. */
  'walk-cursor',
  /** A slice of a page of a walk, or of what the walk did not meet. */
  'walk-page',
  /** A walk has ended. */
  'walk-ended',
  /** The time at which the replica became complete. */
  'complete',
  /** A slice of documents copied into the tables of a new release. */
  'rebuild',
  /** The tables of a new release take the place of the old ones; and a piece of those is cleared away. */
  'rebuilt',
  'cleared',
  /** What an audit found to have drifted, set right; and what it reports. */
  'mended',
  'audited',
  /** By the hour: what settled long ago, and state that has expired, is forgotten. */
  'tidied',
  /** How many documents there are. */
  'counted',
  /** The clock's offset from the cloud. */
  'clock',
  /** The credential of someone who has signed in, and the end of the delays of what waits for it. */
  'signed-in',
  /** Small state of the front's, set or removed. */
  'state',
] as const;
export type Step = (typeof STEPS)[number];

/** Points between commits. */
const BETWEEN = [
  /** The cloud has answered a write, and nobody has written that down. */
  'answered',
  /** An entry is about to be run again on a base that changed. */
  'rebase',
] as const;

export type CrashPoint = `${Step}:uncommitted` | `${Step}:committed` | (typeof BETWEEN)[number];

export const CRASH_POINTS: readonly CrashPoint[] = [
  ...STEPS.flatMap((step) => [`${step}:uncommitted`, `${step}:committed`] as const),
  ...BETWEEN,
];

const { NODE_ENV, LARDER_CRASH_AT: given } = process.env;

/** Passes a point; does not return where the process is to end there. Null, and free of cost, in production. */
export const crashPoint: ((point: CrashPoint) => void) | null =
  NODE_ENV === 'test' && given !== undefined && given !== '' ? armed(given) : null;

function armed(at: string): (point: CrashPoint) => void {
  const [, target, times = '1'] = /^(.+?)(?::([1-9]\d*))?$/.exec(at) ?? [];
  if (!CRASH_POINTS.some((point) => point === target))
    throw new Error(`LARDER_CRASH_AT=${at}: there is no such point; there are ${CRASH_POINTS.join(', ')}`);
  let left = Number(times);
  return (point) => {
    if (point !== target) return;
    left -= 1;
    if (left > 0) return;
    process.kill(process.pid, 'SIGKILL');
    // The signal may take a moment to arrive; nothing more may happen here.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}
