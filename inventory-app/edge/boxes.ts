/** The chain of an edge's starts, which the cloud keeps. */
import type { Boxes } from '@larder/sync/profile';
import { EdgeStanding } from '../rules/documents.ts';
import { API } from '../rules/resources.ts';

const LONGEST_NAME = 200;

export const boxes: Boxes = {
  tell: ({ box, ...start }) => ({
    method: 'POST',
    path: `${API}/edge/starts`,
    body: { ...start, box: box.trim().slice(0, LONGEST_NAME) || 'unnamed' },
  }),
  read: (res) => EdgeStanding.parse(res.body),
};
