/**
 * The reader thread: answers from the replica over a connection of its own, each answer from one snapshot, so reads wait
 * for no fsync. It also moves the WAL into the database file, which would otherwise delay the writer's commits.
 */
import type { StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Call, ReplicaAnswer } from './client.ts';
import { openCheckpointer, openReader } from './database.ts';
import { loadProfile } from './load-profile.ts';
import { sentErrorOf, type FromReader, type ToReader, type WorkerOptions } from './messages.ts';
import { answerOf, reqOf } from './request.ts';
import { openTables } from './replica/tables.ts';
import { Incomplete, View } from './replica/view.ts';
import { compileRoutes } from './route.ts';

const CHECKPOINT_EVERY = 1000;

if (parentPort === null) throw new Error('reader.ts runs as a worker thread');
const port = parentPort;
const options = workerData as WorkerOptions;
const app = await loadProfile(options.profile);
const db = openReader(options.data);
const checkpointer = openCheckpointer(options.data);
const routes = compileRoutes(app.reads);
const isComplete = db.prepare('SELECT complete FROM resource WHERE name = ?');
const view = new View({ db, tables: openTables(db, app.resources), store: options.store, looked: mustBeComplete });
const meta = db.prepare('SELECT value FROM meta WHERE name = ?');

/** I9: what has not been fetched to its end is not answered from. */
function mustBeComplete(resource: string): void {
  if (isComplete.get(resource)?.['complete'] !== 1) throw new Incomplete(resource);
}

const numberOf = (statement: StatementSync, name: string) => Number(statement.get(name)?.['value'] ?? 0);

function read(call: Call): ReplicaAnswer | null {
  const route = routes.match(call.method === 'HEAD' ? 'GET' : call.method, call.path);
  const answer = route?.value.answer;
  if (route === null || answer === undefined) return null;
  db.exec('BEGIN');
  try {
    const res = answer(view, reqOf(call, route.params), call.user);
    if (res === null) return null;
    return { answer: answerOf(res), asOf: numberOf(meta, 'as-of'), sequence: numberOf(meta, 'sequence') };
  } catch (error) {
    if (error instanceof Incomplete) return null;
    throw error;
  } finally {
    db.exec('COMMIT');
  }
}

const post = (message: FromReader) => port.postMessage(message);

/** A disk that is full today may take it tomorrow: until then all is in the WAL, and the writer says what is wrong. */
function checkpoint(): void {
  try {
    checkpointer.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // Tried again a second later.
  }
}

const timer = setInterval(checkpoint, CHECKPOINT_EVERY);

port.on('message', (message: ToReader) => {
  if (message.type === 'stop') {
    clearInterval(timer);
    checkpointer.close();
    db.close();
    post({ type: 'stopped' });
    port.unref();
    return;
  }
  try {
    post({ type: 'answer', id: message.id, answer: read(message.call) });
  } catch (error) {
    post({ type: 'failed', id: message.id, error: sentErrorOf(error) });
  }
});
post({ type: 'ready' });
