/** Loads a profile and looks whether it is what `defineApp` makes. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from './database.ts';
import { LarderError } from './errors.ts';
import type { App } from './profile.ts';
import { compileRoutes } from './route.ts';

/** Without a profile an edge is a plain caching proxy: it covers nothing and queues nothing. */
const PLAIN: App = {
  name: 'plain',
  release: 1,
  probe: '/',
  genuine: () => true,
  user: () => null,
  scope: () => '',
  classify: () => 'unavailable',
  honoursKeys: false,
  send: (req) => req,
  resources: {},
  reads: {},
  writes: {},
};

/** The profile at an absolute path; null gives the plain one. Rejects with `LARDER_PROFILE_INVALID`. */
export async function loadProfile(path: string | null): Promise<App> {
  if (path === null) return PLAIN;
  if (!isAbsolute(path)) throw new LarderError('LARDER_PROFILE_INVALID', `"${path}" is not an absolute path.`);
  const module = await importing(path);
  const app = module['default'];
  const fault = shapeFault(app);
  if (fault !== null) throw new LarderError('LARDER_PROFILE_INVALID', `${path}: ${fault}.`);
  return app as App;
}

async function importing(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new LarderError('LARDER_PROFILE_INVALID', `${path}: ${messageOf(error)}.`, { cause: error });
  }
}

const FIELDS: Record<string, string> = {
  name: 'string',
  release: 'number',
  probe: 'string',
  genuine: 'function',
  user: 'function',
  scope: 'function',
  classify: 'function',
  honoursKeys: 'boolean',
  send: 'function',
  resources: 'object',
  reads: 'object',
  writes: 'object',
};

function shapeFault(app: unknown): string | null {
  if (typeof app !== 'object' || app === null) return 'it has no default export made by defineApp';
  const fields = app as Record<string, unknown>;
  for (const [field, type] of Object.entries(FIELDS))
    if (typeof fields[field] !== type || fields[field] === null) return `"${field}" should be a ${type}`;
  try {
    compileRoutes(fields['reads'] as Record<string, unknown>);
    compileRoutes(fields['writes'] as Record<string, unknown>);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
