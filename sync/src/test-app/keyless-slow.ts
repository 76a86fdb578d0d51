/** The same of an app to which a request may be on its way for longer than any test lasts. */
import { defineApp } from '../profile.ts';
import keyless from './keyless.ts';

const order = keyless.writes['POST /orders'];
if (order?.find === undefined) throw new Error('the test app lets orders be looked for');

export default defineApp({
  ...keyless,
  writes: { ...keyless.writes, 'POST /orders': { ...order, find: { ...order.find, longestInFlight: 3600 } } },
});
