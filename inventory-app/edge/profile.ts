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
import { tillStartWrites } from './till-starts.ts';
import { type StaffUser, userOf } from './user.ts';

const HEALTH = `${API}/health`;
const KEYS = '/.well-known/jwks.json';
/** The page; what it is made of has names that change with their content, and is listed. */
const SHELL = ['/', '/index.html', '/icon.svg', '/manifest.webmanifest', '/service-worker.js'];
const SHELL_LIST = '/shell.json';
const ASSETS = '/assets/';
const PUBLIC = new Set([...SHELL, SHELL_LIST, HEALTH, KEYS]);

export default defineApp<StaffUser>({
  name: 'inventory',
  release: 2,
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
    if (user === null) return PUBLIC.has(req.path) || req.path.startsWith(ASSETS) ? 'public' : 'nobody';
    return `store:${user.store ?? 'all'}:${user.role}`;
  },
  classify,
  conflict,
  manages,
  honoursKeys: true,
  send,
  resources,
  reads,
  writes: { ...factWrites, ...tillStartWrites, ...proposalWrites },
  changes,
  boxes,
  shell: SHELL,
  shellList: SHELL_LIST,
});
