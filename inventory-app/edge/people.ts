/** How people sign in to this app, what the cloud says of them, and who may vouch for whom while it is away. */
import * as z from 'zod';
import type { Doc, People, Res } from '@larder/sync/profile';
import { Session, SessionCreate, Standings } from '../rules/documents.ts';
import { API } from '../rules/resources.ts';
import type { StaffUser } from './user.ts';

const sessionOf = ({ body }: Res) => Session.safeParse(body);
const Claims = Session.shape.user
  .pick({ username: true, name: true, role: true, storeId: true })
  .extend({ sub: z.string() });

/** The session as it would be for somebody of whom the cloud says this now. */
function sessionFor(res: Res, token: string, expiresAt: string, claims: Doc): Res {
  const session = Session.parse({ ...(res.body as Doc), token });
  const { sub: id, ...said } = Claims.parse(claims);
  return { ...res, body: { token, expiresAt, user: { ...session.user, ...said, id } } };
}

export const people: People<StaffUser> = {
  signIn: {
    route: `POST ${API}/session`,
    read(req) {
      const { success, data } = SessionCreate.safeParse(req.body);
      return success ? { name: data.username, password: data.password } : null;
    },
    token: (res) => (res.status === 200 ? (sessionOf(res).data?.token ?? null) : null),
    answer: sessionFor,
  },
  standings: {
    ask: (users) => ({ path: `${API}/standings?users=${users.map(encodeURIComponent).join(',')}` }),
    read(res) {
      const { at, data } = Standings.parse(res.body);
      return { at: Date.parse(at), claims: Object.fromEntries(data.map((claims) => [claims.sub, claims])) };
    },
  },
  vouching: {
    may: ({ role, store }) => role !== 'clerk' && store !== null,
    // What they do goes under the name of the manager who answers for them, with no more than a clerk's rights.
    claims: ({ id, username, store, name: voucher }, name) => ({
      sub: id,
      username,
      name: `${name}, vouched for by ${voucher}`.slice(0, 200),
      role: 'clerk',
      storeId: store,
    }),
  },
};
