/** `main.ts import <file>`: the import with its progress and its report on a terminal. */
import type { Database } from '../db/open.ts';
import { importOnlineRetail } from './online-retail.ts';
import { progressTo } from './progress.ts';
import { reportText } from './report.ts';

/** Draws the progress on standard error and prints the report on standard output. Throws as `importOnlineRetail` does. */
export async function importCommand(database: Database, path: string): Promise<void> {
  const report = await importOnlineRetail(database, path, { onProgress: progressTo(process.stderr) });
  process.stdout.write(reportText(report));
}
