/** What the people of a store can ask of their edge about each other: vouching, and switching by PIN. */
import { LarderError } from '@larder/sync/errors';
import type { ClientRequest } from '../exchange.ts';
import type { App, User } from '@larder/sync/profile';
import * as z from 'zod';
import { bodyAs } from '../console/operator.ts';
import type { Page } from '../console/operator.ts';
import type { Link } from '../link/link.ts';
import { sendJson } from '../respond.ts';
import { deviceOf, newDevice } from './device.ts';
import { userOf } from './identity.ts';
import type { Identity } from './identity.ts';
import type { Known } from './known.ts';
import { createPins } from './pins.ts';
import type { Vouching } from './vouchings.ts';

export interface PeoplePagesDeps {
  app: App;
  known: Known;
  identity: Pick<Identity, 'identify' | 'tokenOf'>;
  link: Pick<Link, 'state' | 'held'>;
}

const Vouch = z.strictObject({ name: z.string().trim().min(1).max(64) });
const End = z.strictObject({ id: z.uuid() });
const SetPin = z.strictObject({ pin: z.string().regex(/^\d{4,8}$/, 'must be 4 to 8 digits') });
const Switch = z.strictObject({ name: z.string().min(1).max(200), pin: z.string().max(8) });

export function createPeoplePages(deps: PeoplePagesDeps): Record<string, Page> {
  return { ...vouchingPages(deps), ...pinPages(deps) };
}

/** Only those to whom the profile gives it, and only while the cloud cannot let people in itself. */
function vouchingPages(deps: PeoplePagesDeps): Record<string, Page> {
  const { vouchings } = deps.known;
  return {
    'GET /_edge/people/vouchings': async (request, response) => {
      await voucherOf(deps, request);
      sendJson(response, 200, { vouchings: vouchings.all().map(shown) });
    },
    'POST /_edge/people/vouchings': async (request, response) => {
      const { user, vouching } = await voucherOf(deps, request);
      const { name } = await bodyAs(request, Vouch);
      const { link } = deps;
      if (link.state !== 'offline' && !link.held)
        throw new LarderError('LARDER_FORBIDDEN', 'The cloud is there: they can sign in themselves.');
      const begun = await vouchings.begin(user.id, name, vouching.claims(user, name));
      sendJson(response, 201, { ...shown(begun.vouching), code: begun.code });
    },
    'POST /_edge/people/vouchings/end': async (request, response) => {
      const { user } = await voucherOf(deps, request);
      await vouchings.end((await bodyAs(request, End)).id, user.id);
      sendJson(response, 200, { vouchings: vouchings.all().map(shown) });
    },
  };
}

async function voucherOf({ app, identity }: PeoplePagesDeps, request: ClientRequest) {
  const user = await fullUserOf(app, identity, request);
  const vouching = app.people?.vouching;
  if (vouching === undefined || !vouching.may(user)) throw new LarderError('LARDER_FORBIDDEN');
  return { user, vouching };
}

/** Somebody with all their rights: neither vouched for themselves, nor past their grace. */
async function fullUserOf(app: App, identity: Pick<Identity, 'identify'>, request: ClientRequest): Promise<User> {
  const caller = await identity.identify(request.headers);
  const user = caller === null ? null : userOf(app, caller.claims);
  if (caller === null || user === null) throw new LarderError('LARDER_UNAUTHENTICATED');
  if (caller.allowed !== 'all') throw new LarderError('LARDER_FORBIDDEN');
  return user;
}

const iso = (ms: number) => new Date(ms).toISOString();

function shown({ id, name, by, from, until, ended }: Vouching) {
  return { id, name, by, from: iso(from), until: iso(until), ended: ended && { at: iso(ended.at), by: ended.by } };
}

function pinPages({ app, identity, known }: PeoplePagesDeps): Record<string, Page> {
  const signIn = app.people?.signIn;
  if (signIn === undefined) return {};
  const pins = createPins({ signIn, identity, known });
  return {
    'GET /_edge/people/here': async (request, response) => {
      await fullUserOf(app, identity, request);
      sendJson(response, 200, { people: pins.here(deviceOf(request)) });
    },
    'POST /_edge/people/pin': async (request, response) => {
      const user = await fullUserOf(app, identity, request);
      const { pin } = await bodyAs(request, SetPin);
      const device = deviceOf(request) ?? newDevice(request, response);
      await pins.set(user.id, request.headers.authorization ?? '', device, pin);
      sendJson(response, 200, { people: pins.here(device) });
    },
    'POST /_edge/people/switch': async (request, response) => {
      await fullUserOf(app, identity, request);
      const { name, pin } = await bodyAs(request, Switch);
      const { status, body } = await pins.switch(name, deviceOf(request), pin);
      sendJson(response, status, body);
    },
  };
}
