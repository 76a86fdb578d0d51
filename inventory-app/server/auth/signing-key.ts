/** The key that signs tokens: made at the first start, kept in the database, shared by all processes on it. */
import type { Doc } from '@larder/sync/profile';
import { type CryptoKey, type JWK, exportJWK, generateKeyPair, importJWK } from 'jose';
import { uuidv7 } from 'uuidv7';
import type { Database } from '../db/open.ts';

export const ALGORITHM = 'ES256';

export interface SigningKey {
  id: string;
  privateKey: CryptoKey | Uint8Array;
  publicKey: CryptoKey | Uint8Array;
  /** As published at /.well-known/jwks.json. */
  publicJwk: Doc;
}

/** The signing key of this installation: the oldest, so that processes that start together agree. */
export async function signingKeyOf(database: Database, now: Date): Promise<SigningKey> {
  const oldest = () => database.prisma.signingKey.findFirst({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  if ((await oldest()) === null) await database.prisma.signingKey.create({ data: await newKey(now) });
  const row = await oldest();
  if (row === null) throw new Error('the signing key was deleted while the server started');
  const publicJwk = JSON.parse(row.publicJwk) as Doc;
  return {
    id: row.id,
    privateKey: await importJWK(JSON.parse(row.privateJwk) as JWK, ALGORITHM),
    publicKey: await importJWK(publicJwk as JWK, ALGORITHM),
    publicJwk,
  };
}

async function newKey(now: Date) {
  const id = uuidv7();
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const published = { kid: id, alg: ALGORITHM, use: 'sig' };
  return {
    id,
    privateJwk: JSON.stringify({ ...(await exportJWK(privateKey)), ...published }),
    publicJwk: JSON.stringify({ ...(await exportJWK(publicKey)), ...published }),
    createdAt: now.toISOString(),
  };
}
