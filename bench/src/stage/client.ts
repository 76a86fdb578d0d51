/** A person at a till, as far as the network can tell: signs in, reads, writes under keys. */
import { randomUUID } from 'node:crypto';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export interface Page<T> {
  data: T[];
  page: { next: string | null; total: number };
}

export class Client {
  readonly base: string;
  readonly #token: string | null;

  constructor(base: string, token: string | null = null) {
    this.base = base;
    this.#token = token;
  }

  /** What this person's requests carry: empty where nobody has signed in. */
  get authorization(): string {
    return this.#token === null ? '' : `Bearer ${this.#token}`;
  }

  /** The same person at another address: a token is good at the edge and in the cloud. */
  at(base: string): Client {
    return new Client(base, this.#token);
  }

  async signIn(username: string): Promise<Client> {
    const { status, body } = await this.send<{ token: string }>('POST', '/session', {
      username,
      password: 'larder-demo',
    });
    if (status !== 200 && status !== 201) throw new Error(`${username} cannot sign in: ${status}`);
    return new Client(this.base, body.token);
  }

  get<T = Record<string, unknown>>(path: string): Promise<Answer<T>> {
    return this.send<T>('GET', path);
  }

  /** A write under a key; without one, under a new one. */
  write<T = Record<string, unknown>>(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    key: string = randomUUID(),
  ): Promise<Answer<T>> {
    return this.send<T>(method, path, body, { 'idempotency-key': key });
  }

  async send<T>(method: string, path: string, body?: unknown, extra: Record<string, string> = {}): Promise<Answer<T>> {
    const headers: Record<string, string> = { accept: 'application/json', ...extra };
    if (this.#token !== null) headers['authorization'] = this.authorization;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) as T };
  }

  /** Every document of a list, page by page. */
  async all<T>(path: string): Promise<T[]> {
    const found: T[] = [];
    let after: string | null = '';
    while (after !== null) {
      const query: string = `limit=500${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
      const answer: Answer<Page<T>> = await this.get<Page<T>>(`${path}${path.includes('?') ? '&' : '?'}${query}`);
      if (answer.status !== 200) throw new Error(`GET ${path} gave ${answer.status}: ${JSON.stringify(answer.body)}`);
      found.push(...answer.body.data);
      after = answer.body.page.next;
    }
    return found;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Waits until a condition holds; fails with what was waited for, after a bound that only a fault can reach. It asks the
 * less often the longer it has waited, so that a long wait takes no core from what is waited for.
 */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 30_000): Promise<number> {
  const started = performance.now();
  while (!(await holds())) {
    const waited = performance.now() - started;
    if (waited > limit) throw new Error(`waited ${limit} ms in vain for this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(20 + waited / 20, 250)));
  }
  return performance.now() - started;
}
