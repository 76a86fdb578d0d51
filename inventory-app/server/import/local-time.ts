/** Local times of an IANA time zone in UTC. */

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * `YYYY-MM-DD hh:mm:ss` on a wall clock in `timeZone`, as ISO 8601 UTC with milliseconds; null where it is no time.
 * An hour that the clocks repeat is taken for its first run.
 */
export function fromLocalTime(local: string, timeZone: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(local)) return null;
  const asUtc = Date.parse(`${local.replace(' ', 'T')}Z`);
  if (Number.isNaN(asUtc)) return null;
  // The offset depends on the moment that is looked for; the first guess is off by no more than one change of clocks.
  const guess = asUtc - offsetAt(asUtc - 86_400_000, timeZone);
  const moment = guess + offsetAt(guess, timeZone) === asUtc ? guess : asUtc - offsetAt(asUtc + 86_400_000, timeZone);
  return new Date(moment).toISOString();
}

/** How far the zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(moment: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(moment).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const match = /^GMT(?:([+-])(\d{2}):(\d{2}))?$/.exec(name);
  if (match === null) throw new RangeError(`no offset in ${name}`);
  const [, sign = '+', hours = '0', minutes = '0'] = match;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
