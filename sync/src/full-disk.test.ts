/** A disk that is really full: a file system in memory, where this user may make one. */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, afterEach, describe, expect, test } from 'vitest';
import { until, useEdge } from './test-app/edge.ts';

const MiB = 1024 * 1024;
const mount = (directory: string) =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory]).status === 0;
const unmount = (directory: string) => spawnSync('umount', [directory]).status === 0;

const edge = useEdge();
let mounted = false;
beforeEach(() => void (mounted = mount(edge.data)));
afterEach(async () => {
  await edge.back?.stop();
  if (mounted) unmount(edge.data);
});

const ballast = () => join(edge.data, 'ballast');

/** Leaves no byte on the disk. */
function fill(): void {
  for (let size = 16 * MiB; size >= 512; size /= 2)
    for (let room = true; room;) {
      try {
        writeFileSync(ballast(), Buffer.alloc(size), { flag: 'a' });
      } catch {
        room = false;
      }
    }
}

describe('a disk that is full', () => {
  test('I1, I11, I12: takes no write, says so, loses none, and goes on by itself when there is room', async (context) => {
    if (!mounted) context.skip('this user may not mount a file system');
    await edge.openComplete();
    edge.back.link('offline', false);
    for (let n = 0; n < 20; n += 1) await edge.order(`k${n}`);
    fill();
    const refused = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => edge.order(`late${n}`)));
    const codes = refused.map((each) => (each.status === 'rejected' ? (each.reason as { code: string }).code : 'kept'));
    // Either the commit fails or, where the disk was looked at since, nobody tries.
    const said = new Set(codes.filter((code) => code !== 'kept'));
    expect(said.size).toBeGreaterThan(0);
    expect(['LARDER_DISK_FULL', 'LARDER_DISK_LOW']).toEqual(expect.arrayContaining([...said]));
    // What was sent cannot be written down as sent: it is not sent, or sent again under its key.
    edge.back.link('online', false);
    await until('the trouble is met', () => edge.back.status.queue.length > 0);
    rmSync(ballast());
    await edge.drained();
    const kept = codes.filter((code) => code === 'kept').length;
    expect(edge.cloud.orders.size).toBe(20 + kept);
    expect(await edge.quantity()).toBe(80 - kept);
  });

  test('I11: is told from a nearly full one, long before', async (context) => {
    if (!mounted) context.skip('this user may not mount a file system');
    await edge.openComplete({ minFreeBytes: 64 * MiB });
    await expect(edge.order('k1')).rejects.toMatchObject({ code: 'LARDER_DISK_LOW' });
    expect(await edge.quantity()).toBe(100);
  });
});
