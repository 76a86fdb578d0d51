/** The writer thread: accepts, replays, follows the feed. The only one that writes to `edge.db`, and that sends writes. */
import { parentPort, workerData } from 'node:worker_threads';
import { Back } from './back.ts';
import { keepCompiled } from './compiled.ts';
import { loadProfile } from './load-profile.ts';
import { giveWay } from './priority.ts';
import { sentErrorOf, type FromWriter, type ToWriter, type WorkerOptions } from './messages.ts';

if (parentPort === null) throw new Error('writer.ts runs as a worker thread');
const port = parentPort;
const options = workerData as WorkerOptions;

const post = (message: FromWriter) => port.postMessage(message);

giveWay();
try {
  const app = await loadProfile(options.profile);
  const back = new Back(options, app, post);
  port.on('message', (message: ToWriter) => {
    back.receive(message);
    if (message.type === 'stop') port.unref();
  });
  keepCompiled();
} catch (error) {
  post({ type: 'unusable', error: sentErrorOf(error) });
}
