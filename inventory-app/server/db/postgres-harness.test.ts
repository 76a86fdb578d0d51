import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openConnection } from './connection.ts';

const SCRIPT = `
  const { startPostgres } = await import(process.argv[1]);
  const server = await startPostgres();
  console.log(await server.createDatabase());
  setInterval(() => undefined, 1000);
`;

test('PostgreSQL ends with the process that started it, even when that is killed', async () => {
  const module = new URL('postgres-harness.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT, module]);
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const connection = await openConnection(url);
  expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await connection.close();
  child.kill('SIGKILL');
  await expect.poll(() => refused(url), { timeout: 20_000, interval: 100 }).toBe(true);
});

async function refused(url: string): Promise<boolean> {
  try {
    const connection = await openConnection(url);
    await connection.close();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}
