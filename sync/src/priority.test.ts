import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { useEdge } from './test-app/edge.ts';

const edge = useEdge();

/** Name and niceness of each thread of this process, as proc(5) tells them. */
function threads(): { name: string; niceness: number }[] {
  return readdirSync('/proc/self/task').map((id) => {
    const [, name = '', rest = ''] =
      /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/self/task/${id}/stat`, 'utf8')) ?? [];
    return { name, niceness: Number(rest.split(' ')[16]) };
  });
}

test.runIf(process.platform === 'linux' && getPriority(0) < 15)(
  'one thread of the back gives way to the front, and the pool that all share does not',
  async () => {
    await edge.openComplete();
    const nicer = threads().filter(({ niceness }) => niceness > getPriority(0));
    expect(nicer).toEqual([{ name: 'WorkerThread', niceness: getPriority(0) + 5 }]);
    expect(threads().some(({ name }) => name === 'libuv-worker')).toBe(true);
  },
);
