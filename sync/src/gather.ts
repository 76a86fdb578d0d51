/** A stream taken as it comes: one by one while little comes, and all that has arrived where it comes faster than that. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Yields what a stream has ready, `most` at a time. Ends and throws as the stream does, after all that came before that.
 * Reads one ahead: whoever leaves early has to end the stream itself.
 */
export async function* gather<T>(stream: AsyncIterable<T>, most: number): AsyncGenerator<T[]> {
  const iterator = stream[Symbol.asyncIterator]();
  for (let next = ahead(iterator); ;) {
    const first = await next;
    if (first.done === true) return;
    const ready = [first.value];
    next = ahead(iterator);
    while (ready.length < most) {
      const more = await Promise.race([next.catch(() => null), nextTurn(null)]);
      if (more === null || more.done === true) break;
      ready.push(more.value);
      next = ahead(iterator);
    }
    yield ready;
  }
}

/** What comes next; where it fails before anybody waits for it, it fails for who will. */
function ahead<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const next = iterator.next();
  next.catch(() => undefined);
  return next;
}
