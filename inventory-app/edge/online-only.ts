/**
 * The GET routes that no replica answers, each with its reason. A new route is in here or in reads.ts: a test compares
 * both with the description of the API.
 */
import { API, RESOURCES } from '../rules/resources.ts';

const USERS = 'Who may do what is decided in the cloud, and a copy would be out of date when it matters.';
const FEED = 'The feed and the snapshots are how a replica hears of the cloud; it has none of its own.';

export const ONLINE_ONLY: Readonly<Record<string, string>> = {
  [`GET ${API}/movements`]: 'The ledger grows without end, and the stock levels say what a store needs of it.',
  [`GET ${API}/users`]: USERS,
  [`GET ${API}/users/:id`]: USERS,
  [`GET ${API}/health`]: 'It asks whether the cloud is there: only the cloud can say so.',
  'GET /.well-known/jwks.json': 'Public keys: kept by the cache and by the edge itself, as they are no documents.',
  [`GET ${API}/changes`]: FEED,
  [`GET ${API}/changes/live`]: FEED,
  ...Object.fromEntries(RESOURCES.map((resource) => [`GET ${API}/snapshots/${resource}`, FEED])),
  [`GET ${API}/standings`]: USERS,
  [`GET ${API}/number-gaps`]: 'What is missing is known where everything arrives: what waits here is no gap.',
};
