import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missing, startBrowser } from './browser.ts';

/** What every Linux on which Node runs has: the C library, its loader, and the compiler's runtime. */
const BASE = /\/(ld-linux|ld-|libc|libm|libdl|libpthread|librt|libresolv|libutil|libgcc_s|libnss_)[^/]*$/;

const isBrought = missing === null && process.env['CHROMIUM'] === undefined;

test.runIf(isBrought)('The browser brings its own libraries and fonts, and leaves nothing behind', async () => {
  const { browser, pid, directory, close } = await startBrowser();
  try {
    const page = await browser.newPage();
    await page.setContent('<h1 style="display: inline; font-family: sans-serif">Larder</h1>');
    expect((await page.locator('h1').boundingBox())?.width).toBeGreaterThan(20);
    const mapped = readFileSync(`/proc/${pid}/maps`, 'utf8').match(/\/\S+\.so[.\d]*$/gm) ?? [];
    expect(mapped.length).toBeGreaterThan(0);
    expect(mapped.filter((path) => !path.startsWith(directory) && !BASE.test(path))).toEqual([]);
  } finally {
    await close();
  }
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(existsSync(directory)).toBe(false);
});
