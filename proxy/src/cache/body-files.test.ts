import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BodyFiles } from './body-files.ts';

test('I11: bodies that come at once take no more than their room, and give it back when they are over', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'larder-bodies-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const files = await BodyFiles.open(directory, new Set(), 10);
  const [first, second] = [await files.create(), await files.create()];
  await first.append(Buffer.from('123456'));
  await second.append(Buffer.from('1234'));
  await expect(second.append(Buffer.from('5'))).rejects.toThrow('too much');
  await first.close();
  await first.close();
  await second.append(Buffer.from('567890'));
  await expect(second.append(Buffer.from('1'))).rejects.toThrow('too much');
  expect(String(await second.read(0))).toBe('1234567890');
  await second.close();
});
