/**
 * The Chromium that npm brings: a real browser with the shared libraries and fonts it needs, so that tests and pictures
 * depend on nothing that a machine has or lacks.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inflate } from '@sparticuz/chromium';
import { chromium, type Browser, type BrowserServer } from 'playwright-core';

/** Names a Chromium to use instead, where none is brought for this kind of machine. */
const OWN = process.env['CHROMIUM'];

/** Why there is no browser here, in a sentence; null where there is one. */
export const missing: string | null =
  OWN !== undefined || (process.platform === 'linux' && process.arch === 'x64')
    ? null
    : `npm brings no Chromium for ${process.platform} ${process.arch}; CHROMIUM may name one.`;

const ARGS = [
  // Tests run as root in containers, where Chromium's sandbox does not start.
  '--no-sandbox',
  '--no-zygote',
  '--disable-dev-shm-usage',
  // Nothing but the page itself may use the network.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--no-first-run',
  '--no-pings',
  '--disable-gpu',
  '--font-render-hinting=none',
];
const CLOSE_LIMIT = 10_000;

export interface RunningBrowser {
  readonly browser: Browser;
  readonly pid: number;
  /** Where it was unpacked. */
  readonly directory: string;
  /** Ends every process of it, and deletes what was unpacked. */
  close(): Promise<void>;
}

/** Unpacks and starts a Chromium without a window. Takes some seconds and 250 MB of the temporary directory. */
export async function startBrowser(): Promise<RunningBrowser> {
  if (missing !== null) throw new Error(missing);
  const directory = mkdtempSync(join(tmpdir(), 'larder-browser-'));
  const forget = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  try {
    const { executablePath, env } = OWN === undefined ? await unpack(directory) : { executablePath: OWN, env: {} };
    const server = await chromium.launchServer({ executablePath, args: ARGS, env: { ...process.env, ...env } });
    const close = async () => {
      await end(server);
      forget();
    };
    try {
      const browser = await chromium.connect(server.wsEndpoint());
      return { browser, pid: server.process().pid ?? 0, directory, close };
    } catch (error) {
      await end(server);
      throw error;
    }
  } catch (error) {
    forget();
    throw error;
  }
}

/** Asks it to end, and ends it where it does not. */
async function end(server: BrowserServer): Promise<void> {
  const timer = setTimeout(() => void server.kill(), CLOSE_LIMIT);
  await server.close();
  clearTimeout(timer);
}

/** The package unpacks into the system's temporary directory, where two test files would fall over each other. */
async function unpack(directory: string): Promise<{ executablePath: string; env: Record<string, string> }> {
  const packed = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin');
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  // `inflate` asks for the directory before it returns its promise.
  const unpacked = ['chromium.br', 'al2023.tar.br', 'fonts.tar.br'].map((file) => inflate(join(packed, file)));
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  const [executablePath = '', libraries = '', fonts = ''] = await Promise.all(unpacked);
  const fontsFile = join(directory, 'fonts.conf');
  writeFileSync(
    fontsFile,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${join(directory, 'font-cache')}</cachedir></fontconfig>\n`,
  );
  return { executablePath, env: { LD_LIBRARY_PATH: join(libraries, 'lib'), FONTCONFIG_FILE: fontsFile } };
}
