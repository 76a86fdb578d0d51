/** `main.ts import <file>`: the import with its progress and its report on a terminal. */
import type { Database } from '../db/open.ts';
import { importOnlineRetail } from './online-retail.ts';
import { progressTo } from './progress.ts';
import { reportText } from './report.ts';

/** Draws the progress on standard error and returns the report as text. Throws as `importOnlineRetail` does. */
export async function importCommand(database: Database, path: string): Promise<string> {
  return reportText(await importOnlineRetail(database, path, { onProgress: progressTo(process.stderr) }));
}
