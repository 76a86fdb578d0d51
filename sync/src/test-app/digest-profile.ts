/** The test app, with digests of its lists. */
import { defineApp } from '../profile.ts';
import { hashOf } from './digest.ts';
import profile from './profile.ts';

export default defineApp({
  ...profile,
  resources: Object.fromEntries(
    Object.entries(profile.resources).map(([name, resource]) => [
      name,
      {
        ...resource,
        digest: {
          ask: (page: string | null) => ({ path: `/${name}?digest=yes${page === null ? '' : `&after=${page}`}` }),
          read: (res: { body: unknown }) => res.body as { hash: string; through: string | null; next: string | null },
          hash: hashOf,
        },
      },
    ]),
  ),
});
