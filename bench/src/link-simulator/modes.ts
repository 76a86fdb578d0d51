/** What the simulated link can do to its traffic. */
export const LINK_MODES = {
  up: 'passes everything, after its round-trip time',
  down: 'does not listen and resets what was open: connections are refused',
  refuse: 'accepts connections and resets them at once',
  blackhole: 'accepts connections and swallows everything, without a word',
  stall: 'lets requests and the beginnings of answers through, then nothing more',
  slow: 'passes everything, at 16 kB/s and 600 ms of round trip',
  portal: 'answers every request itself, with a sign-in page and status 200',
  gateway: 'answers every request itself, with 502, 503 and 504 in turn',
  reset: 'lets the beginnings of answers through, then resets the connection',
  'reset-request': 'lets the beginnings of requests through, then resets the connection',
  duplicate: "delivers every request twice, and loses the second one's answer",
  flap: 'is up and down in turn, a second each',
} as const;

export type LinkMode = keyof typeof LINK_MODES;

export const isLinkMode = (word: unknown): word is LinkMode =>
  typeof word === 'string' && Object.hasOwn(LINK_MODES, word);

/** What slow means. */
export const SLOW = { rttMs: 600, bytesPerSecond: 16_000 };

/** How long each half of a flap lasts, ms. */
export const FLAP_MS = 1000;
