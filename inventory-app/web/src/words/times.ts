/** How points in time are said. */
import type { Source } from '../net/request.ts';
import type { Words } from './en.ts';

const DAY = 86_400_000;

export interface Times {
  /** `10:32`, and what it takes to be clear further back: `Tue 10:32`, `3 Nov, 10:32`. Times are ms since 1970. */
  time(at: number, now?: number): string;
  /** How long ago, as one would say it. */
  ago(at: number, now?: number): string;
  /** How long something still counts, from seconds. */
  left(seconds: number): string;
  /** Where an answer came from, and how old it is. */
  source(source: Source, now?: number): string;
}

export function timesOf(locale: string, words: Words): Times {
  const clock = { hour: '2-digit', minute: '2-digit' } as const;
  const ofToday = new Intl.DateTimeFormat(locale, clock);
  const ofThisWeek = new Intl.DateTimeFormat(locale, { weekday: 'short', ...clock });
  const ofLongAgo = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...clock });

  const time: Times['time'] = (at, now = Date.now()) => {
    if (now - at > 6 * DAY) return ofLongAgo.format(at);
    return (now - at > DAY / 2 ? ofThisWeek : ofToday).format(at);
  };
  const ago: Times['ago'] = (at, now = Date.now()) => {
    const seconds = Math.max(0, Math.round((now - at) / 1000));
    if (seconds < 5) return words.time.now;
    if (seconds < 90) return words.time.seconds(seconds);
    if (seconds < 90 * 60) return words.time.minutes(Math.round(seconds / 60));
    return words.time.at(time(at, now));
  };
  const left: Times['left'] = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    if (hours >= 48) return words.time.days(Math.floor(hours / 24));
    return hours >= 1 ? words.time.hours(hours) : words.time.soon;
  };
  const source: Times['source'] = ({ from, asOf }, now = Date.now()) => {
    if (from === 'cloud') return words.source.cloud;
    if (from === 'cache') return words.source.cache(ago(asOf, now));
    if (from === 'replica') return words.source.replica(time(asOf, now));
    return from === 'device' ? words.source.device(time(asOf, now)) : words.source.none;
  };
  return { time, ago, left, source };
}
