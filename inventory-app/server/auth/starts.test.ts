import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database } from '../db/open.ts';
import { type Cloud, startCloud } from '../test-cloud.ts';

describeBothDatabases("The chain of an edge's starts", (databases) => {
  let database: Database;
  let cloud: Cloud;

  beforeAll(async () => {
    database = await databases.make();
    cloud = await startCloud(database);
  });
  afterAll(() => cloud.close());
  beforeEach(() => database.prisma.edge.updateMany({ data: { currentStart: null } }));

  const tell = async (id: string, previous: string[] = [], more: object = {}, store = 'S001') => {
    const body = { id, previous, box: `box of ${id}`, ...more };
    return cloud.edge(store)('/edge/starts', { method: 'POST', body });
  };
  const standing = async (...told: Parameters<typeof tell>) => (await tell(...told)).body.standing;

  test('a box that starts again goes on; told twice is told once', async () => {
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    expect(await standing(first)).toBe('current');
    expect(await standing(second, [first])).toBe('current');
    expect(await standing(second, [first])).toBe('current');
    // A start that never got through lies between them.
    expect(await standing(third, [randomUUID(), second, first])).toBe('current');
    expect(await database.prisma.edgeStart.count({ where: { id: { in: [first, second, third] } } })).toBe(3);
  });

  test('a copy that comes second is a fork, and is told which box is the current one', async () => {
    const [first, box, copy] = [randomUUID(), randomUUID(), randomUUID()];
    await tell(first);
    await tell(box, [first]);
    expect((await tell(copy, [first])).body).toEqual({
      standing: 'fork',
      current: { id: box, box: `box of ${box}`, at: expect.stringMatching(/Z$/) },
    });
    expect(await standing(randomUUID(), [copy, first])).toBe('fork');
    expect(await standing(box, [first])).toBe('current');
  });

  test('two copies that come at once: one of them is the current one', async () => {
    const first = randomUUID();
    await tell(first);
    const copies = Array.from({ length: 8 }, () => tell(randomUUID(), [first]));
    const standings = (await Promise.all(copies)).map(({ body }) => body.standing);
    expect(standings.toSorted()).toEqual(['current', ...Array(7).fill('fork')]);
  });

  test('another box takes over by an authorised act; the one before it is superseded, and can take back', async () => {
    const [old, replacement] = [randomUUID(), randomUUID()];
    await tell(old);
    expect(await standing(replacement)).toBe('fork');
    expect(await standing(replacement, [], { takeOver: true })).toBe('current');
    expect(await standing(old)).toBe('superseded');
    expect(await standing(old, [], { takeOver: true })).toBe('current');
    expect(await standing(replacement)).toBe('superseded');
  });

  test('a cloud that was restored to an earlier start goes on with the box that has followed it', async () => {
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    await tell(first);
    await database.prisma.edge.updateMany({ data: { currentStart: first } });
    expect(await standing(third, [second, first])).toBe('current');
  });

  test('each edge has a chain of its own, and nobody but an edge has one', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    expect(await standing(one)).toBe('current');
    expect(await standing(other, [], {}, 'S002')).toBe('current');
    expect(await standing(one)).toBe('current');
    const body = { id: one, previous: [], box: 'till' };
    expect(await (await cloud.as('manager'))('/edge/starts', { method: 'POST', body })).toMatchObject({ status: 403 });
    expect(await cloud.ask('/edge/starts', { method: 'POST', body })).toMatchObject({ status: 401 });
    for (const wrong of [{ id: 'x' }, { previous: ['x'] }, { previous: Array(101).fill(one) }, { box: '' }])
      expect(await tell(one, [], wrong)).toMatchObject({ status: 400, body: { code: 'invalid-body' } });
  });
});
