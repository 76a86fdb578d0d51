/** Who is signed in on this device. Kept until they sign out, so that a closed tab goes on where it was. */
import type { Role } from '../../../rules/rights.ts';

export interface Person {
  id: string;
  name: string;
  username: string;
  role: Role;
  /** Null: of no store in particular. */
  storeId: string | null;
}

export interface Session {
  token: string;
  /** ISO 8601 UTC. */
  expiresAt: string;
  user: Person;
}

const PLACE = 'inventory.session';

type Listener = () => void;
const listeners = new Set<Listener>();
let current = read();

function read(): Session | null {
  const kept = localStorage.getItem(PLACE);
  return kept === null ? null : (JSON.parse(kept) as Session);
}

export const session = (): Session | null => current;

let hasRunOut = false;

/** The last session ended by itself. */
export const wasEnded = (): boolean => hasRunOut;

/** Whoever answers does not accept the session any more. */
export function endSession(): void {
  if (current === null) return;
  hasRunOut = true;
  keepSession(null);
}

/** Null: nobody is signed in any more. Other tabs hear of it. */
export function keepSession(next: Session | null): void {
  if (next === null) localStorage.removeItem(PLACE);
  else {
    hasRunOut = false;
    localStorage.setItem(PLACE, JSON.stringify(next));
  }
  changed(next);
}

export function onSession(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function changed(next: Session | null): void {
  current = next;
  for (const listener of listeners) listener();
}

addEventListener('storage', ({ key }) => {
  if (key === PLACE || key === null) changed(read());
});
