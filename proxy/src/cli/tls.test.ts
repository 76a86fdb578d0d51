import { afterEach, beforeEach, expect, test } from 'vitest';
import { TEST_CERTIFICATES } from '../tls/test-certificates.ts';
import { openBox } from './test-box.ts';
import type { Box } from './test-box.ts';

let box: Box;
beforeEach(async () => void (box = await openBox()));
afterEach(() => box.close());

const { valid, renewed } = TEST_CERTIFICATES;
const flags = ({ certificate, key }: typeof valid) => ['--tls-certificate', certificate, '--tls-key', key];

test.each([
  [
    "with another one's key",
    flags({ ...valid, key: renewed.key }),
    /is not the key of the certificate in .+\. +Name PEM files/,
  ],
  ['that is not there', flags({ ...valid, certificate: 'none.pem' }), /none\.pem is not there/],
  [
    'without a key',
    ['--tls-certificate', valid.certificate],
    /tlsKey is missing: tlsCertificate needs it\. Give it by --tls-key/,
  ],
])('a certificate %s ends the start with what to do', async (_name, args, said) => {
  const { code, err } = await box.larder(['start', '--cloud', box.cloudUrl, ...args]);
  expect(code).toBe(2);
  expect(err.replaceAll('\n', ' ')).toMatch(said);
  expect(err).not.toContain('PRIVATE');
});

test('the commands speak TLS to an edge whose certificate they are shown, and to no other', async () => {
  const { url } = await box.startEdge(flags(valid));
  expect(url).toMatch(/^https:/);
  const shown = await box.larder(['status', '--edge', url, '--certificate', valid.certificate]);
  expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/certificate +until 2120-01-01; \d+ days left/) });
  const hold = ['link', 'hold', '--edge', url, '--data', 'data'];
  expect(await box.larder([...hold, '--certificate', valid.certificate])).toMatchObject({ code: 0 });
  const untrusted = await box.larder(hold);
  expect(untrusted).toMatchObject({ code: 4, err: expect.stringContaining('name it with --certificate') });
  expect((await box.larder([...hold, '--certificate', renewed.certificate])).code).toBe(4);
  expect((await box.larder([...hold, '--certificate', valid.key])).code).toBe(2);
});
