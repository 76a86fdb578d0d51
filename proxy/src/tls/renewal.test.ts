import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { LarderError } from '@larder/sync/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTlsServer } from '../http2/server.ts';
import { readCertificate } from './certificate.ts';
import { followCertificate } from './renewal.ts';
import { TEST_CERTIFICATES } from './test-certificates.ts';

const { valid, renewed, expired } = TEST_CERTIFICATES;
const DAY = 86_400_000;

let directory: string;
const ending: (() => unknown)[] = [];
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'larder-tls-'))));
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
  rmSync(directory, { recursive: true, force: true });
});

const written = (content: string) => {
  const file = join(directory, 'broken.pem');
  writeFileSync(file, content);
  return file;
};

describe('what cannot be used is said in a sentence', () => {
  test.each([
    [
      'a certificate that is not there',
      () => ({ ...valid, certificate: '/nowhere.pem' }),
      /^\/nowhere\.pem is not there\./,
    ],
    ['a key that is not there', () => ({ ...valid, key: '/nowhere.pem' }), /^\/nowhere\.pem is not there\./],
    ['a directory', () => ({ ...valid, key: directory }), /cannot be read\./],
    ['no certificate', () => ({ ...valid, certificate: written('x') }), /broken\.pem holds no certificate/],
    ['a key for a certificate', () => ({ ...valid, certificate: valid.key }), /holds no certificate/],
    ['no key', () => ({ ...valid, key: written('x') }), /broken\.pem holds no private key/],
    ["another certificate's key", () => ({ ...valid, key: renewed.key }), /is not the key of the certificate in/],
  ])('%s', (_name, files, detail) => {
    const read = () => readCertificate(files());
    expect(read).toThrow(LarderError);
    expect(read).toThrow(
      expect.objectContaining({ code: 'LARDER_TLS_UNUSABLE', detail: expect.stringMatching(detail) }),
    );
  });

  test.each([
    ['a clock that was lost, and starts in the past,', valid, '1970-01-02', []],
    ['one that expired while the box was off', expired, '2026-01-01', ['error']],
  ])('but %s keeps nobody from being served', (_name, files, now, levels) => {
    const { renewal, lines } = rig(files, () => Date.parse(now));
    expect(renewal.current.chain).toContain('BEGIN CERTIFICATE');
    expect(lines.map(({ level }) => level)).toEqual(levels);
  });
});

interface Line {
  level: string;
  message: string;
}

function rig(files = valid, now: () => number = Date.now) {
  const lines: Line[] = [];
  const note = (level: string) => (_detail: object, message: string) => void lines.push({ level, message });
  const log = { info: note('info'), warn: note('warn'), error: note('error') } as never;
  const renewal = followCertificate({ files, clock: now, log, interval: 10 });
  ending.push(() => renewal.stop());
  return { renewal, lines, said: (level: string) => lines.filter((line) => line.level === level) };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('the end of a certificate', () => {
  const end = Date.parse('2120-01-01T00:00:00Z');
  test.each([
    [31, [], false],
    [29, ['warn'], true],
    [0.5, ['warn'], true],
  ])('is told of %d days before', (days, levels, expiring) => {
    const { lines, renewal } = rig(valid, () => end - days * DAY);
    expect(lines.map(({ level }) => level)).toEqual(levels);
    expect(renewal.status).toMatchObject({ expiring, daysLeft: Math.floor(days), validTo: '2120-01-01T00:00:00.000Z' });
  });

  test('is told of once a day, and serving goes on after it', async () => {
    let now = end - DAY;
    const { said, renewal } = rig(valid, () => now);
    now += DAY / 2;
    await new Promise((resolve) => setImmediate(resolve));
    expect(said('warn').length).toBe(1);
    now = end + DAY;
    await until(() => said('error').length === 1);
    expect(renewal.status.daysLeft).toBe(-1);
    expect(said('warn').length).toBe(1);
  });
});

describe('a certificate that changes', () => {
  /** As the kubelet lays out a Secret: the files are links into `..data`, which is a link that is swapped. */
  function secret() {
    const data = join(directory, '..data');
    const put = (version: string, { certificate, key }: typeof valid) => {
      const place = join(directory, version);
      mkdirSync(place);
      cpSync(certificate, join(place, 'tls.crt'));
      cpSync(key, join(place, 'tls.key'));
      symlinkSync(version, `${data}_tmp`);
      renameSync(`${data}_tmp`, data);
    };
    put('..1', valid);
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(directory, name));
    return { put, files: { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') } };
  }

  /** The name in the certificate that a new connection is shown. */
  async function shown(port: number): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] });
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  async function serve(files: typeof valid) {
    const found = rig(files);
    const limits = { maxHeaderSize: 1000, headersTimeout: 1000, requestTimeout: 1000, keepAliveTimeout: 1000 };
    const server = createTlsServer(found.renewal, { ...limits, shouldUpgradeCallback: () => false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ending.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    return { ...found, port: (server.address() as AddressInfo).port };
  }

  test('in a Secret of Kubernetes serves without a restart', async () => {
    const { put, files } = secret();
    const { port, renewal } = await serve(files);
    expect(await shown(port)).toBe('larder test, valid');
    const before = renewal.status.fingerprint;
    put('..2', renewed);
    await until(async () => (await shown(port)) === 'larder test, renewed');
    expect(renewal.status.fingerprint).not.toBe(before);
  });

  test.each([
    ['broken', () => ({ certificate: written('x'), key: valid.key })],
    ['mismatched', () => ({ certificate: renewed.certificate, key: valid.key })],
    ['expired', () => expired],
  ])('into a %s one leaves the old one, says so once, and takes the next good one', async (_name, bad) => {
    const { put, files } = secret();
    const { port, said } = await serve(files);
    put('..2', bad());
    await until(() => said('error').length > 0);
    expect(await shown(port)).toBe('larder test, valid');
    put('..3', renewed);
    await until(async () => (await shown(port)) === 'larder test, renewed');
    expect(said('error').length).toBe(1);
  });

  test('is not lost where the files are away for a while', async () => {
    const { put, files } = secret();
    const { port, said } = await serve(files);
    rmSync(join(directory, '..data'));
    await until(() => said('error').length > 0);
    expect(await shown(port)).toBe('larder test, valid');
    put('..2', renewed);
    await until(async () => (await shown(port)) === 'larder test, renewed');
  });
});
