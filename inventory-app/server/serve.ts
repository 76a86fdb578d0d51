/** `serve`: the server as a process. */
import type { AddressInfo } from 'node:net';
import { buildApp } from './app.ts';
import { migrateDatabase } from './db/migrate.ts';
import { openDatabase } from './db/open.ts';
import { pruneChanges } from './feed/prune.ts';
import { purgeKeys } from './idempotency.ts';
import { openLog } from './log.ts';

export interface ServeOptions {
  databaseUrl: string;
  host: string;
  /** 0: any that is free. */
  port: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Migrates, listens, says where on stdout, and serves until SIGTERM or SIGINT. */
export async function serve({ databaseUrl, host, port }: ServeOptions): Promise<void> {
  const log = openLog();
  await migrateDatabase(databaseUrl);
  const database = await openDatabase(databaseUrl);
  const { http, services } = await buildApp({ database, log });
  await http.listen({ host, port });

  const forget = (what: string, work: Promise<number>) =>
    work.then(
      (count) => log.info({ count }, `purged ${what}`),
      (err: unknown) => log.error({ err }, `could not purge ${what}`),
    );
  const purge = async () => {
    await forget('idempotency keys', purgeKeys(services));
    await forget('changes', pruneChanges(services));
  };
  await purge();
  const daily = setInterval(() => void purge(), DAY_MS).unref();

  const ended = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
  const { port: bound } = http.server.address() as AddressInfo;
  process.stdout.write(`listening on http://${host.includes(':') ? `[${host}]` : host}:${bound}\n`);

  log.info({ signal: await ended }, 'ending');
  clearInterval(daily);
  await http.close();
  await database.close();
}
