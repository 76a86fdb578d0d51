/**
 * The reader thread: answers from the replica. It loads its profile while the writer brings the database up to date, and
 * opens it when told to.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Call } from './client.ts';
import { keepCompiled } from './compiled.ts';
import { loadProfile } from './load-profile.ts';
import { sentErrorOf, type FromReader, type ToReader, type WorkerOptions } from './messages.ts';
import { Replica } from './replica/replica.ts';

const CHECKPOINT_EVERY = 1000;

if (parentPort === null) throw new Error('reader.ts runs as a worker thread');
const port = parentPort;
const { data, profile, store } = workerData as WorkerOptions;
const post = (message: FromReader) => port.postMessage(message);

let replica: Replica | null = null;
const timer = setInterval(() => replica?.checkpoint(), CHECKPOINT_EVERY);
const loading = loadProfile(profile);
// Said when the database is to be opened; until then nobody listens.
loading.catch(() => undefined);

async function open(): Promise<void> {
  try {
    replica = new Replica(data, await loading, store);
    post({ type: 'ready' });
    keepCompiled();
  } catch (error) {
    post({ type: 'unusable', error: sentErrorOf(error) });
  }
}

function stop(): void {
  clearInterval(timer);
  replica?.close();
  post({ type: 'stopped' });
  port.unref();
}

function read(id: number, call: Call): void {
  try {
    post({ type: 'answer', id, answer: replica?.read(call) ?? null });
  } catch (error) {
    post({ type: 'failed', id, error: sentErrorOf(error) });
  }
}

function settleIds(id: number, text: string): void {
  try {
    post({ type: 'settled-ids', id, text: replica?.settledIds(text) ?? text });
  } catch (error) {
    post({ type: 'settled-ids-failed', id, error: sentErrorOf(error) });
  }
}

port.on('message', (message: ToReader) => {
  switch (message.type) {
    case 'open':
      return void open();
    case 'read':
      return read(message.id, message.call);
    case 'settled-ids':
      return settleIds(message.id, message.text);
    case 'stop':
      return stop();
  }
});
