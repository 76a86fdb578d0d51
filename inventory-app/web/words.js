/** Plain words for where things come from and how they stand. Pure, so that they can be tested without a page. */

const LOCALE = 'en-GB';
const clock = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat(LOCALE, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
const dates = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const DAY = 86_400_000;

/** `10:32`, and what it takes to be clear further back: `Tue 10:32`, `3 Nov, 10:32`. */
export function timeWords(time, now = Date.now()) {
  if (now - time > 6 * DAY) return dates.format(time);
  return now - time > DAY / 2 ? calendar.format(time) : clock.format(time);
}

export function changes(count) {
  return count === 1 ? '1 change' : `${count} changes`;
}

/** How long ago, as one would say it. */
export function agoWords(time, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  if (seconds < 5) return 'just now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  return `at ${timeWords(time, now)}`;
}

/** Where an answer came from and how old it is: `{from, asOf}` of api.js. */
export function sourceWords({ from, asOf }, now = Date.now()) {
  if (from === 'cloud') return 'Live from the cloud';
  if (from === 'cache') return `From this store’s cache, fetched ${agoWords(asOf, now)}`;
  if (from === 'replica') return `From this store’s copy, as of ${timeWords(asOf, now)}`;
  return 'Straight from the cloud';
}

/**
 * The strip under the header: `{tone, text, waiting, attention}`; tones are calm, busy, warn and alarm. `status` is what
 * api.js's `edgeStatus` gives.
 */
export function stripOf(status, now = Date.now()) {
  if (status === undefined) return strip('alarm', 'Nothing answers. Is this device on the store’s network?');
  if (status === null) return strip('calm', 'Direct to the cloud');
  const { link, queue, replica } = status;
  const waiting = queue.length === 0 ? '' : `${changes(queue.length)} waiting`;
  const attention =
    queue.inbox === 0 ? '' : `${changes(queue.inbox)} ${queue.inbox === 1 ? 'needs' : 'need'} a manager`;
  const more = { waiting, attention };
  if (!replica.complete) {
    const text =
      link.state === 'offline'
        ? 'The cloud cannot be reached, and this store’s copy is not complete'
        : 'Fetching this store’s copy…';
    return strip(link.state === 'offline' ? 'alarm' : 'busy', text, more);
  }
  const asOf = replica.feed.asOf === null ? '' : `, as of ${timeWords(new Date(replica.feed.asOf), now)}`;
  if (link.held) return strip('warn', `Sending is paused. Working from this store’s copy${asOf}`, more);
  if (link.state === 'offline') return strip('warn', `Working from this store’s copy${asOf}`, more);
  if (link.state === 'doubtful') return strip('busy', 'Checking the connection…', more);
  if (queue.length > 0) return strip('busy', 'Connected', { ...more, waiting: `Sending ${changes(queue.length)}` });
  return strip('calm', 'Connected. Everything is in the cloud', more);
}

/** How long the cloud's last word on somebody still counts; `seconds` null: long enough. */
export function graceWords(seconds) {
  if (seconds === null) return '';
  const hours = Math.floor(seconds / 3600);
  const left = hours >= 48 ? '2 days' : hours >= 1 ? `${hours} h` : 'less than an hour';
  return `Not confirmed by the cloud for days. In ${left} only sales can be recorded`;
}

const strip = (tone, text, { waiting = '', attention = '' } = {}) => ({ tone, text, waiting, attention });

/** How much of a product there is: `{tone, text}`; tones are none, some, low and gone. */
export function stockOf(qty, reorderLevel) {
  if (qty === undefined) return { tone: 'none', text: 'No stock kept' };
  if (qty < 0) return { tone: 'gone', text: `${-qty} short` };
  if (qty === 0) return { tone: 'gone', text: 'Sold out' };
  return { tone: qty <= reorderLevel ? 'low' : 'some', text: `${qty} in stock` };
}

/** `£12.50` and back again, by the currency's own number of decimals. */
export function moneyOf(currency) {
  const format = new Intl.NumberFormat(LOCALE, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return {
    currency,
    show: (minor) => format.format(minor / 10 ** digits),
    plain: (minor) => (minor / 10 ** digits).toFixed(digits),
    /** Minor units; null where the text is not an amount. */
    read(text) {
      const amount = text.trim().replace(',', '.');
      const decimals = digits === 0 ? '' : `(\\.\\d{0,${digits}})?`;
      return new RegExp(`^\\d{1,9}${decimals}$`).test(amount) ? Math.round(Number(amount) * 10 ** digits) : null;
    },
  };
}
