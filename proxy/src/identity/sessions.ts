/** Sessions that the edge itself gives: tokens that nobody else can make or read anything from. Kept nowhere. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface LocalSession {
  /** Whose rights it has. */
  user: string;
  /** ms since 1970, by the edge's clock. */
  issued: number;
  /** Somebody vouched, under this id; null: by their own password. */
  vouching: string | null;
}

export interface Sessions {
  issue(session: LocalSession): string;
  /** Null: not one of ours. */
  read(authorization: string): LocalSession | null;
}

const BEARER = /^bearer larder_([\w-]{1,2048})\.([\w-]{43})$/i;

/** Is this a session of some edge, good or not? No cloud should get it to see. */
export const isSession = (authorization: string | undefined) =>
  authorization !== undefined && /^bearer larder_/i.test(authorization);

export function createSessions(key: Uint8Array): Sessions {
  const sign = (payload: string) => createHmac('sha256', key).update(payload).digest();
  return {
    issue(session) {
      const payload = Buffer.from(JSON.stringify(session)).toString('base64url');
      return `larder_${payload}.${sign(payload).toString('base64url')}`;
    },
    read(authorization) {
      const [, payload, signature] = BEARER.exec(authorization) ?? [];
      if (payload === undefined || signature === undefined) return null;
      const given = Buffer.from(signature, 'base64url');
      const wanted = sign(payload);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as LocalSession;
    },
  };
}
