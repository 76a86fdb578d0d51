/** One user's requests over kept-alive connections. */
import { Agent, request } from 'undici';

export interface Answered {
  status: number;
  /** `Larder-Source`: who made the answer. */
  source: string | null;
  ms: number;
  text: string;
}

export class Caller {
  readonly #agent: Agent;
  readonly #authorization: string;

  constructor(token: string, connections: number) {
    this.#agent = new Agent({ connections, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 });
    this.#authorization = `Bearer ${token}`;
  }

  get(url: string): Promise<Answered> {
    return this.#ask(url, 'GET', {});
  }

  post(url: string, key: string, body: object): Promise<Answered> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    return this.#ask(url, 'POST', headers, JSON.stringify(body));
  }

  async #ask(url: string, method: 'GET' | 'POST', extra: Record<string, string>, body?: string): Promise<Answered> {
    const headers = { accept: 'application/json', authorization: this.#authorization, ...extra };
    const started = performance.now();
    const sent = body === undefined ? {} : { body };
    const answer = await request(url, { method, headers, dispatcher: this.#agent, ...sent });
    const text = await answer.body.text();
    const ms = performance.now() - started;
    const source = answer.headers['larder-source'];
    return { status: answer.statusCode, source: typeof source === 'string' ? source : null, ms, text };
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

/** The token of somebody who signs in there. */
export async function tokenOf(origin: string, username: string): Promise<string> {
  const answer = await request(`${origin}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: 'larder-demo' }),
  });
  const { token } = (await answer.body.json()) as { token?: string };
  if (token === undefined) throw new Error(`${username} cannot sign in: ${answer.statusCode}`);
  return token;
}
