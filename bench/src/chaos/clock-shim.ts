/**
 * Loaded into a process of a trial before anything else (`node --import`): its wall clock is off by as many ms as the
 * file in CHAOS_CLOCK says, and jumps when the file changes, as a machine's does when somebody sets it. The monotonic
 * clock and timers go on, as there too. So nothing in the parts themselves is made for being tested.
 */
import { readFileSync } from 'node:fs';

const file = process.env['CHAOS_CLOCK'];
const Real = Date;
let offset = 0;

function look(path: string): void {
  try {
    offset = Number(readFileSync(path, 'utf8')) || 0;
  } catch {
    // Not there: the clock is right.
  }
}

if (file !== undefined) {
  look(file);
  setInterval(look, 20, file).unref();
  const now = () => Real.now() + offset;
  globalThis.Date = new Proxy(Real, {
    apply: () => new Real(now()).toString(),
    construct: (target, args: unknown[], made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}
