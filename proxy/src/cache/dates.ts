/** The three forms of an HTTP date (RFC 9110 §5.6.7). Nothing else is a date. */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const TIME = String.raw`(\d\d):(\d\d):(\d\d)`;

const IMF = new RegExp(String.raw`^\w{3}, (\d\d) (\w{3}) (\d{4}) ${TIME} GMT$`, 'i');
const RFC_850 = new RegExp(String.raw`^\w{6,9}, (\d\d)-(\w{3})-(\d\d) ${TIME} GMT$`, 'i');
const ASCTIME = new RegExp(String.raw`^\w{3} (\w{3}) ([ \d]\d) ${TIME} (\d{4})$`, 'i');

/** The last date of the first form: a busy cloud says the same one for a second. It means the same at any time. */
let last: { text: string; at: number | null } = { text: '', at: null };

/**
 * Parses an HTTP date into ms since 1970; null where it is none. `now` places the two-digit years of the second form.
 */
export function parseDate(text: string, now: number): number | null {
  if (text === last.text) return last.at;
  const imf = IMF.exec(text);
  if (imf !== null) {
    last = { text, at: compose(imf[3], imf[2], imf[1], imf.slice(4)) };
    return last.at;
  }
  const rfc850 = RFC_850.exec(text);
  if (rfc850 !== null) return compose(fullYear(Number(rfc850[3]), now), rfc850[2], rfc850[1], rfc850.slice(4));
  const asctime = ASCTIME.exec(text);
  return asctime === null ? null : compose(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6));
}

/** A year that seems more than 50 years ahead is the latest one in the past with the same two digits. */
function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function compose(
  year: string | number | undefined,
  monthName: string | undefined,
  day: string | undefined,
  time: string[],
): number | null {
  const month = MONTHS.indexOf(String(monthName).toLowerCase());
  const [hours = 0, minutes = 0, secs = 0] = time.map(Number);
  // A leap second is a valid date.
  if (month === -1 || hours > 23 || minutes > 59 || secs > 60) return null;
  const at = Date.UTC(Number(year), month, Number(day), hours, minutes, secs);
  return new Date(Date.UTC(Number(year), month, Number(day))).getUTCDate() === Number(day) ? at : null;
}
