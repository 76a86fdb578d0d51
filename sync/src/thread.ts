/** A worker thread with a beginning and an end, and calls to it that get one answer each. */
import { Worker } from 'node:worker_threads';
import { LarderError } from './errors.ts';
import type { SentError, WorkerOptions } from './messages.ts';

/** An error as it crosses between threads. */
export const errorOf = ({ code, detail }: SentError): Error =>
  code === null ? new LarderError('LARDER_INTERNAL', '', { cause: detail }) : new LarderError(code, detail);

/** How long a thread may take to end by itself, ms. */
const STOP = 2000;

export class Thread<To, From extends { type: string }> {
  /** The thread's first message, `ready`, has been handled. */
  readonly ready: Promise<void>;
  /** Resolves if the thread ends without being asked to. */
  readonly died: Promise<Error>;
  readonly #worker: Worker;
  readonly #stopped: Promise<void>;
  #stopping = false;

  /** `file` lies beside this one. */
  constructor(file: string, workerData: WorkerOptions, receive: (message: From) => void) {
    // What ships is stripped JavaScript: the ending is this module's own.
    const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
    this.#worker = new Worker(new URL(file.replace(/\.ts$/, ending), import.meta.url), { workerData });
    const ready = Promise.withResolvers<void>();
    const died = Promise.withResolvers<Error>();
    const stopped = Promise.withResolvers<void>();
    [this.ready, this.died, this.#stopped] = [ready.promise, died.promise, stopped.promise];
    this.#worker.on('message', (message: From) => {
      receive(message);
      if (message.type === 'ready') ready.resolve();
      if (message.type === 'stopped') stopped.resolve();
      if (message.type === 'unusable' && 'error' in message) ready.reject(errorOf(message.error as SentError));
    });
    const end = (error: Error) => {
      ready.reject(error);
      stopped.resolve();
      if (!this.#stopping) died.resolve(error);
    };
    this.#worker.on('error', end);
    this.#worker.on('exit', (code) => end(new Error(`${file} ended with code ${code}`)));
  }

  tell(message: To): void {
    this.#worker.postMessage(message);
  }

  async stop(message: To): Promise<void> {
    this.#stopping = true;
    this.tell(message);
    const timer = setTimeout(() => void this.#worker.terminate(), STOP);
    await this.#stopped;
    clearTimeout(timer);
    await this.#worker.terminate();
  }
}

/** Calls under way, by number. */
export class Calls<T> {
  readonly #waiting = new Map<number, PromiseWithResolvers<T>>();
  #next = 1;

  call(send: (id: number) => void): Promise<T> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<T>();
    this.#waiting.set(id, waiting);
    send(id);
    return waiting.promise;
  }

  resolve(id: number, value: T): void {
    this.#take(id)?.resolve(value);
  }

  reject(id: number, error: Error): void {
    this.#take(id)?.reject(error);
  }

  failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take(id: number): PromiseWithResolvers<T> | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
