/** The test app with a chain of starts. */
import { defineApp, type Standing } from '../profile.ts';
import base from './profile.ts';

export default defineApp({
  ...base,
  boxes: {
    tell: (start) => ({ method: 'POST', path: '/starts', body: { ...start } }),
    read: (res) => res.body as unknown as { standing: Standing; current: { id: string; box: string; at: string } },
  },
});
