/**
 * Switching by PIN on a shared till: it gives back the session in which the PIN was set, and nothing more. A PIN is
 * short, so it is worth something only with the secret of the device where it was set, and only while somebody is signed
 * in there; and three wrong ones in a row are the end of it.
 */
import { LarderError } from '@larder/sync/errors';
import type { Res, SignIn } from '@larder/sync/profile';
import type { Identity } from './identity.ts';
import type { Known } from './known.ts';
import type { Device } from './device.ts';
import type { Person, Pin } from './people.ts';

export interface PinsDeps {
  signIn: SignIn;
  known: Pick<Known, 'people' | 'verifier'>;
  identity: Pick<Identity, 'identify' | 'tokenOf'>;
}

export interface Pins {
  /** Names of those who have a PIN on this device. */
  here(device: Device | null): string[];
  /** Rejects with `LARDER_NO_SUCH_PERSON` for somebody who has not signed in through this edge by name and password. */
  set(user: string, authorization: string, device: Device, pin: string): Promise<void>;
  /** The answer to a sign-in. Rejects with `LARDER_WRONG_PIN`, whatever is wrong; `LARDER_UNAUTHENTICATED`: the session has ended. */
  switch(name: string, device: Device | null, pin: string): Promise<Res>;
}

const WRONG_AT_MOST = 3;
const DEVICES_AT_MOST = 5;

export function createPins({ signIn, known, identity }: PinsDeps): Pins {
  const { people, verifier } = known;
  const pinOf = (person: Person | undefined, device: Device | null) =>
    person?.pins.find((pin) => pin.device === device?.id);
  // Whoever has the database and its key, and not the device, still has nothing to guess against.
  const secretOf = (device: Device, pin: string) => `${device.secret} ${pin}`;

  /** Counted before it is checked, so that many at once count as many. */
  async function count(person: Person, pin: Pin): Promise<void> {
    const others = person.pins.filter((one) => one !== pin);
    const wrong = pin.wrong + 1;
    await people.setPins(person.id, wrong > WRONG_AT_MOST ? others : [...others, { ...pin, wrong }]);
    if (wrong > WRONG_AT_MOST) throw refused();
  }

  return {
    here: (device) =>
      people.all().flatMap((one) => (one.signIn !== null && pinOf(one, device) ? [one.signIn.name] : [])),
    async set(user, authorization, device, pin) {
      const token = authorization.replace(/^bearer /i, '');
      const made = { device: device.id, verifier: await verifier.make(secretOf(device, pin)), token, wrong: 0 };
      const person = people.get(user);
      if (person?.signIn == null)
        throw new LarderError('LARDER_NO_SUCH_PERSON', 'Sign in here by your password first.');
      const others = person.pins.filter((one) => one.device !== device.id);
      await people.setPins(user, [...others, made].slice(-DEVICES_AT_MOST));
    },
    async switch(name, device, pin) {
      const person = people.byName(name);
      const found = pinOf(person, device);
      if (person !== undefined && found !== undefined) await count(person, found);
      const isRight = await verifier.matches(device === null ? pin : secretOf(device, pin), found?.verifier ?? null);
      if (!isRight || person?.signIn == null || found === undefined) throw refused();
      const { id, claims } = person;
      const now = people.get(id);
      await people.setPins(
        id,
        (now?.pins ?? []).map((one) => (one.device === found.device ? { ...one, wrong: 0 } : one)),
      );
      const authorization = `Bearer ${found.token}`;
      const caller = await identity.identify({ authorization });
      if (caller === null)
        throw new LarderError('LARDER_UNAUTHENTICATED', 'Your session has ended: sign in by your password.');
      const until = identity.tokenOf(authorization)?.until ?? caller.until;
      return signIn.answer(person.signIn.answer, found.token, new Date(until).toISOString(), claims);
    },
  };
}

const refused = () => new LarderError('LARDER_WRONG_PIN');
