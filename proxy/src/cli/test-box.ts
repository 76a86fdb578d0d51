/** For tests: a directory, a real app, and real `larder` processes between them. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** How a process ended, and what it said. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface RunningLarder {
  child: ChildProcess;
  url: string;
  end: Promise<Ended>;
}

export interface Box {
  directory: string;
  cloud: Server;
  cloudUrl: string;
  /** Method and target of what reached the app. */
  asked: string[];
  /** Runs a command to its end. */
  larder(args: string[], env?: Record<string, string>): Promise<Ended>;
  /** Starts an edge on a free port; resolves once it listens. */
  startEdge(args?: string[]): Promise<RunningLarder>;
  /** Ends the app: what is asked of it from now on is refused. */
  endCloud(): Promise<void>;
  close(): Promise<void>;
}

/** Makes the box. Unless told otherwise, the app answers with the target and `max-age=60`. */
export async function openBox(answer: RequestListener = answerTarget): Promise<Box> {
  const directory = mkdtempSync(join(tmpdir(), 'larder-cli-'));
  const asked: string[] = [];
  const running: ChildProcess[] = [];
  const cloud = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(cloud, 'listening');
  const cloudUrl = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;

  function spawnLarder(args: string[], env: Record<string, string> = {}): ChildProcess {
    const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('LARDER_'));
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: directory,
      env: { ...Object.fromEntries(clean), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    return child;
  }

  async function startEdge(args: string[] = []): Promise<RunningLarder> {
    const child = spawnLarder(['start', '--cloud', cloudUrl, '--port', '0', '--data', 'data', ...args]);
    const end = ended(child);
    const listening = new Promise<string>((resolve, reject) => {
      let out = '';
      child.stdout?.on('data', (chunk) => {
        out += chunk;
        const url = /^listening on (\S+)$/m.exec(out)?.[1];
        if (url !== undefined) resolve(url);
      });
      void end.then(({ err }) => reject(new Error(err)));
    });
    return { child, url: await listening, end };
  }

  async function endCloud(): Promise<void> {
    cloud.closeAllConnections();
    if (cloud.listening) await new Promise((resolve) => cloud.close(resolve));
  }

  return {
    directory,
    cloud,
    cloudUrl,
    asked,
    larder: (args, env) => ended(spawnLarder(args, env)),
    startEdge,
    endCloud,
    async close() {
      for (const child of running) child.kill('SIGKILL');
      await endCloud();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const answerTarget: RequestListener = (request, response) =>
  response.setHeader('cache-control', 'max-age=60').end(`this is ${request.url}`);

async function ended(child: ChildProcess): Promise<Ended> {
  const result = { out: '', err: '' };
  child.stdout?.on('data', (chunk) => void (result.out += chunk));
  child.stderr?.on('data', (chunk) => void (result.err += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...result };
}
