/** What the strip says, in anybody's language. */
import type { Edge, EdgeStatus } from '../net/edge-status.ts';
import type { Words } from '../words/en.ts';
import type { Times } from '../words/times.ts';

interface Said {
  tone: 'calm' | 'busy' | 'warn' | 'alarm';
  text: string;
  /** How much is on its way, and what needs a person; empty: nothing. */
  waiting: string;
  attention: string;
}

/** What the strip says. `here`: how many facts only this device has. */
export function stripOf(edge: Edge | undefined, here: number, words: Words, times: Times): Said {
  const { strip } = words;
  const onDevice = here === 0 ? '' : strip.onDevice(here);
  const say = (tone: Said['tone'], text: string, waiting = onDevice): Said => ({ tone, text, waiting, attention: '' });
  if (edge === undefined) return say('busy', strip.looking);
  if (edge === 'silent') return say('warn', strip.silent);
  if (edge === 'none') return say('calm', strip.direct);
  return { ...ofEdge(edge, here, words, times), attention: attentionOf(edge, words) };
}

const attentionOf = ({ queue }: EdgeStatus, { strip }: Words) =>
  queue === null || queue.inbox === 0 ? '' : strip.inbox(queue.inbox);

function ofEdge({ link, queue, replica }: EdgeStatus, here: number, { strip }: Words, times: Times): Said {
  const count = (queue?.length ?? 0) + here;
  const waiting = count === 0 ? '' : strip.waiting(count);
  const say = (tone: Said['tone'], text: string, more = waiting): Said => ({
    tone,
    text,
    waiting: more,
    attention: '',
  });
  const isCut = link.state === 'offline';
  if (replica?.complete === false) return isCut ? say('alarm', strip.incompleteOffline) : say('busy', strip.fetching);
  const at = replica?.feed.asOf ?? null;
  const asOf = at === null ? '' : times.time(Date.parse(at));
  if (link.held) return say('warn', strip.held(asOf));
  if (isCut) return say('warn', strip.offline(asOf));
  if (link.state === 'doubtful') return say('busy', strip.doubtful);
  return count === 0 ? say('calm', strip.calm) : say('busy', strip.connected, strip.sending(count));
}
