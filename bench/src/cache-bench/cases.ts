/** What is measured: which requests the load is made of. */

/** `known`: URLs that are stored before the run. `unseen`: URLs that nobody has asked for before. */
export interface Case {
  name: string;
  /** Of each body. */
  bytes: number;
  /** How many URLs are stored before the run and asked for in it. */
  known: number;
  /** One request in so many is for an unseen URL; 0: none, 1: all. */
  unseenEvery: number;
  /** Every request carries the ETag of what it asks for. */
  conditional: boolean;
  /** What the load speaks. */
  protocol: Protocol;
}

/** Clear HTTP/1.1, HTTP/1.1 within TLS, HTTP/2. */
export type Protocol = 'clear' | 'tls' | 'h2';

const hits = (size: number): Case => ({
  name: `hits-${size}k`,
  bytes: size * 1024,
  known: 100,
  unseenEvery: 0,
  conditional: false,
  protocol: 'clear',
});

const misses = (size: number): Case => ({
  name: `misses-${size}k`,
  bytes: size * 1024,
  known: 0,
  unseenEvery: 1,
  conditional: false,
  protocol: 'clear',
});

const over = (protocol: 'tls' | 'h2', one: Case): Case => ({ ...one, protocol, name: `${protocol}-${one.name}` });

const SIZES = [1, 3, 50];

export const CASES: readonly Case[] = [
  ...SIZES.map(hits),
  { ...hits(3), name: 'hits-3k-10000-urls', known: 10_000 },
  { ...hits(3), name: 'not-modified-3k', conditional: true },
  ...SIZES.map(misses),
  { ...hits(3), name: 'mix-90-10-3k', known: 10_000, unseenEvery: 10 },
  ...SIZES.map((size) => over('tls', hits(size))),
  ...SIZES.map((size) => over('h2', hits(size))),
];

/** Where the origin serves a body of so many bytes under a name. */
export const pathOf = (bytes: number, name: string | number) => `/${bytes}/${name}`;

/** The origin's ETag of every body of that size. */
export const etagOf = (bytes: number) => `"v1-${bytes}"`;
