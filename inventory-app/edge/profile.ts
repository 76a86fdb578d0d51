/** The inventory app as an edge knows it. */
import { defineApp } from '@larder/sync/profile';
import { API } from '../rules/resources.ts';
import { boxes } from './boxes.ts';
import { conflict, manages } from './conflict.ts';
import { classify, isGenuine, send } from './exchange.ts';
import { factWrites } from './fact-writes.ts';
import { changes } from './feed.ts';
import { people } from './people.ts';
import { proposalWrites } from './proposal-writes.ts';
import { reads } from './reads.ts';
import { resources } from './resources.ts';
import { type StaffUser, userOf } from './user.ts';

const HEALTH = `${API}/health`;
const KEYS = '/.well-known/jwks.json';
/** What the page is made of. */
const SHELL = [
  '/',
  ...['app.css', 'lists.css', 'icon.svg'].map((style) => `/${style}`),
  ...['app', 'api', 'page', 'pin', 'products', 'reprice', 'sales', 'sell', 'vouch', 'words'].map(
    (script) => `/${script}.js`,
  ),
];
const PUBLIC = new Set([...SHELL, HEALTH, KEYS]);

export default defineApp<StaffUser>({
  name: 'inventory',
  release: 1,
  probe: HEALTH,
  genuine: isGenuine,
  keys: KEYS,
  user: (req) => userOf(req.claims),
  people,
  /**
   * Every answer of the app depends on nothing of the user but store and role (rules/rights.ts): there is no route that
   * speaks of the user in person.
   */
  scope(user, req) {
    if (user === null) return PUBLIC.has(req.path) ? 'public' : 'nobody';
    return `store:${user.store ?? 'all'}:${user.role}`;
  },
  classify,
  conflict,
  manages,
  honoursKeys: true,
  send,
  resources,
  reads,
  writes: { ...factWrites, ...proposalWrites },
  changes,
  boxes,
  shell: SHELL,
});
