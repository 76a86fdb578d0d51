/** The back's way to the cloud: replay, feed and bootstrap go through here, and every request's fate is told to the link. */
import type { Dispatcher, Pool } from 'undici';
import type { Answer } from './client.ts';
import { CloudFault, faultOf } from './fault.ts';
import type { Fate } from './link.ts';
import type { App, Ask, Req } from './profile.ts';
import { resOf } from './request.ts';

export interface CloudOptions {
  origin: URL;
  app: App;
  connectTimeout: number;
  answerTimeout: number;
  connections: number;
  report(fate: Fate): void;
  /** An answer of the app itself, after so many ms, and its Date: what the cloud takes the time to be. */
  dated(date: string | undefined, ms: number): void;
}

/** An answer larger than this is not a page that a profile should ask for, bytes. */
const MAX_ANSWER = 64 * 1024 * 1024;
const GATEWAY = new Set([502, 503, 504]);

export class Cloud {
  readonly #options: CloudOptions;
  #pool: Promise<Pool> | null = null;

  constructor(options: CloudOptions) {
    this.#options = options;
  }

  /** At the first request: its code is most of what a start would load in this thread, and no answer from here needs it. */
  #opened(): Promise<Pool> {
    return (this.#pool ??= openPool(this.#options));
  }

  /** Asks for something on the back's own account. Rejects with a `CloudFault` where the app gave no answer. */
  ask(ask: Ask, authorization: string | null, signal?: AbortSignal): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json', ...ask.headers };
    if (authorization !== null) headers['authorization'] = authorization;
    if (ask.body !== undefined) headers['content-type'] = 'application/json';
    const body = ask.body === undefined ? null : JSON.stringify(ask.body);
    return this.#request({ method: ask.method ?? 'GET', path: ask.path, headers, body }, signal);
  }

  /** Sends a write. `body` is sent as it is: the same bytes at every attempt. */
  send(req: Req, body: string | null): Promise<Answer> {
    const search = req.query.size === 0 ? '' : `?${req.query}`;
    return this.#request({ method: req.method, path: req.path + search, headers: { ...req.headers }, body });
  }

  /**
   * Opens a stream of server-sent events and yields the data of each. Ends when the cloud ends it; throws a
   * `CloudFault` when it breaks or stays silent for `silence` ms.
   */
  async *events(ask: Ask, authorization: string | null, silence: number, signal: AbortSignal): AsyncGenerator<string> {
    const headers: Record<string, string> = { accept: 'text/event-stream', ...ask.headers };
    if (authorization !== null) headers['authorization'] = authorization;
    const pool = await this.#opened();
    const started = performance.now();
    try {
      const response = await pool.request({
        method: 'GET',
        path: ask.path,
        headers,
        bodyTimeout: silence,
        signal,
      });
      if (response.statusCode !== 200 || !String(response.headers['content-type']).startsWith('text/event-stream')) {
        const answer = await answerOf(response);
        this.#judge(answer, started);
        throw new UnexpectedAnswer(answer);
      }
      this.#options.report({ type: 'answered', ms: performance.now() - started });
      yield* eventData(response.body);
    } catch (error) {
      throw signal.aborted ? error : this.#fault(error, started);
    }
  }

  async close(): Promise<void> {
    await (await this.#pool)?.destroy();
  }

  async #request(options: Dispatcher.RequestOptions, signal?: AbortSignal): Promise<Answer> {
    const pool = await this.#opened();
    const started = performance.now();
    try {
      const response = await pool.request(signal === undefined ? options : { ...options, signal });
      const answer = await answerOf(response);
      this.#judge(answer, started);
      return answer;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw this.#fault(error, started);
    }
  }

  /** An answer that is not the app's own is no answer. */
  #judge(answer: Answer, started: number): void {
    if (!this.#options.app.genuine(resOf(answer)))
      throw new CloudFault(GATEWAY.has(answer.status) ? 'gateway' : 'portal', true);
    const ms = performance.now() - started;
    this.#options.dated(answer.headers['date'], ms);
    this.#options.report({ type: 'answered', ms });
  }

  #fault(error: unknown, started: number): unknown {
    if (error instanceof UnexpectedAnswer) return error;
    const { fault, sent, evidence } = faultOf(error);
    if (evidence) this.#options.report({ type: 'failed', fault, ms: performance.now() - started });
    return error instanceof CloudFault ? error : new CloudFault(fault, sent, { cause: error });
  }
}

async function openPool({ origin, connections, connectTimeout, answerTimeout }: CloudOptions): Promise<Pool> {
  const undici = await import('undici');
  return new undici.Pool(origin, {
    connections,
    connect: { timeout: connectTimeout },
    headersTimeout: answerTimeout,
    bodyTimeout: answerTimeout,
    pipelining: 1,
  });
}

/** The app answered, but not what was asked for: the feed's cursor is unknown, a credential is not accepted. */
export class UnexpectedAnswer extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(`the cloud answered ${answer.status}`);
    this.name = 'UnexpectedAnswer';
    this.answer = answer;
  }
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'content-length',
]);

async function answerOf(response: Dispatcher.ResponseData): Promise<Answer> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MAX_ANSWER) throw new CloudFault('portal', true);
    chunks.push(bytes);
  }
  return { status: response.statusCode, headers, body: Buffer.concat(chunks).toString('utf8') };
}

/** The `data` of each event of a `text/event-stream` (HTML Standard §9.2.6). */
async function* eventData(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\r|\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      if (line !== '' || data.length === 0) continue;
      yield data.join('\n');
      data = [];
    }
  }
}
