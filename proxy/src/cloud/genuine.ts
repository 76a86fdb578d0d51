/** Did the app itself answer? */
import type { Fault } from '@larder/sync/link';
import type { App } from '@larder/sync/profile';
import type { HeaderFields } from '../cloud.ts';

/** The part of a profile that knows the app's own answers; without a profile every answer counts as the app's. */
export type Genuine = App['genuine'];

/** Null: it did. Else what kind of stranger answered in its place. The body is not looked at. */
export function strangerOf(genuine: Genuine | undefined, status: number, headers: HeaderFields): Fault | null {
  if (genuine === undefined || genuine({ status, headers: flat(headers), body: undefined })) return null;
  return status === 502 || status === 503 || status === 504 ? 'gateway' : 'portal';
}

/** Repeated fields joined as RFC 9110 §5.3 allows; Set-Cookie too, which no test for genuineness needs. */
function flat(headers: HeaderFields): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) joined[name] = Array.isArray(value) ? value.join(', ') : value;
  return joined;
}
