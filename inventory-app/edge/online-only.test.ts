import { expect, test } from 'vitest';
import { openApi } from '../server/openapi.ts';
import { ONLINE_ONLY } from './online-only.ts';
import profile from './profile.ts';

test('every GET route of the app is covered by the replica, or said to be online-only and why', () => {
  const described = Object.entries(openApi().paths)
    .filter(([, operations]) => 'get' in operations)
    .map(([path]) => `GET ${path.replace(/\{(\w+)\}/g, ':$1')}`);
  const covered = Object.keys(profile.reads).filter((route) => profile.reads[route]?.answer !== undefined);
  expect([...covered, ...Object.keys(ONLINE_ONLY)].toSorted()).toEqual(described.toSorted());
  expect(Object.entries(ONLINE_ONLY).filter(([, reason]) => !reason.endsWith('.'))).toEqual([]);
});
