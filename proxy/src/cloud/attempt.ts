/** One request on its way through undici: callbacks come in; one promise, one body and one fate go out. */
import type { Dispatcher } from 'undici';
import { LarderError } from '@larder/sync/errors';
import { CloudFault, faultOf } from '@larder/sync/fault';
import type { Fate } from '@larder/sync/link';
import type { CloudRequest, CloudResponse } from '../cloud.ts';
import { Answer } from './answer.ts';
import { fromCloud } from './headers.ts';
import { type Genuine, strangerOf } from './genuine.ts';

export interface AttemptOptions {
  genuine: Genuine | undefined;
  /** Called exactly once, unless the attempt is aborted by us or was not a valid request. */
  report(fate: Fate): void;
  /** How long it may wait for a connection, ms. */
  patience: number;
  timeout: CloudRequest['timeout'];
  signal: AbortSignal | undefined;
  onInterim: CloudRequest['onInterim'];
}

/** Errors that speak of the request or of this process, not of the link: passed on as they are. */
const OURS = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
]);

type Controller = Dispatcher.DispatchController;
type Fields = Parameters<typeof fromCloud>[0];

export class Attempt implements Dispatcher.DispatchHandler {
  readonly #options: AttemptOptions;
  readonly #begun = performance.now();
  readonly #answer = Promise.withResolvers<CloudResponse>();
  readonly #patience: NodeJS.Timeout;
  readonly #deadline: NodeJS.Timeout | null = null;
  readonly #onAbort = (): void => this.abort(asError(this.#options.signal?.reason));
  #controller: Controller | null = null;
  #body: Answer | null = null;
  /** Time to the answer's headers, ms. */
  #answeredAfter = 0;
  /** Why it is over; from then on nothing is reported. */
  #over: Error | 'ended' | null = null;

  constructor(options: AttemptOptions) {
    this.#options = options;
    // undici's own limits begin with the connection; without this one a request could queue for ever (I11).
    this.#patience = setTimeout(() => this.#fail(new CloudFault('silent', false)), options.patience);
    if (options.timeout !== undefined)
      this.#deadline = setTimeout(() => this.abort(new LarderError('LARDER_CLOUD_TIMEOUT')), options.timeout);
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  get answer(): Promise<CloudResponse> {
    return this.#answer.promise;
  }

  /** Ends it for reasons of our own, which say nothing about the link. */
  abort(reason: Error): void {
    if (this.#over === null) this.#stop(reason);
  }

  onRequestStart(controller: Controller): void {
    clearTimeout(this.#patience);
    this.#controller = controller;
    if (this.#over instanceof Error) controller.abort(this.#over);
  }

  onResponseStart(controller: Controller, status: number, fields: Fields): void {
    if (this.#over !== null) return;
    const headers = fromCloud(fields);
    if (status < 200) {
      this.#options.onInterim?.(status, headers);
      return;
    }
    const stranger = strangerOf(this.#options.genuine, status, headers);
    if (stranger !== null) return this.#fail(new CloudFault(stranger, true));
    this.#answeredAfter = this.#elapsed();
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#body = new Answer(status, headers, {
      resume: () => controller.resume(),
      // After its end, which leads here too, an error would cost a stack for nothing.
      leave: (error) => {
        if (this.#over === null) this.abort(error ?? new DOMException('the answer is no longer wanted', 'AbortError'));
      },
    });
    this.#answer.resolve(this.#body);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#over !== null) return;
    this.#settle('ended');
    this.#body?.end();
    this.#options.report({ type: 'answered', ms: this.#answeredAfter });
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#over !== null) return;
    if ('code' in error && OURS.has(String(error.code))) return this.#stop(error);
    const { fault, sent, evidence } = faultOf(error);
    // Without a connection nothing left, whatever the code may mean elsewhere.
    const failed = new CloudFault(fault, sent && this.#controller !== null, { cause: error });
    if (evidence) this.#fail(failed);
    else this.#stop(failed);
  }

  #fail(fault: CloudFault): void {
    if (this.#over !== null) return;
    this.#stop(fault);
    this.#options.report({ type: 'failed', fault: fault.fault, ms: this.#elapsed() });
  }

  #stop(reason: Error): void {
    this.#settle(reason);
    this.#controller?.abort(reason);
    this.#answer.reject(reason);
    this.#body?.fail(reason);
  }

  #settle(over: Error | 'ended'): void {
    this.#over = over;
    clearTimeout(this.#patience);
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  #elapsed(): number {
    return performance.now() - this.#begun;
  }
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('aborted', { cause: reason });
