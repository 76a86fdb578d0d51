import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from './log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  write(createLog('test', 'debug', sink));
  return text;
}

test('no credential, cookie or key is written, at whatever depth they are passed in', () => {
  const headers = { authorization: 'Bearer hush', cookie: 'hush', 'idempotency-key': 'hush', accept: 'text/html' };
  const text = logged((log) => {
    log.info(headers, 'one');
    log.info({ headers }, 'two');
    log.info({ request: { headers } }, 'three');
    log.info({ credential: 'hush', config: { token: 'hush' } }, 'four');
  });
  expect(text).not.toContain('hush');
  expect(text).toContain('text/html');
});

test('an error is written without its own fields, and without the query of an address in its message', () => {
  const error = Object.assign(new Error('GET /a?token=hush failed', { cause: new Error('http://b/?key=hush') }), {
    code: 'E_TEST',
    headers: { authorization: 'hush' },
  });
  const text = logged((log) => log.error({ err: error }, 'failed'));
  expect(text).not.toContain('hush');
  expect(JSON.parse(text)).toMatchObject({ msg: 'failed', err: { type: 'Error', code: 'E_TEST' } });
});
