/** One line on how the connection is: quiet when all is well, honest when it is not. */
import { useOutbox } from '../device/hooks.ts';
import { useEdge } from '../net/edge-status.ts';
import { grace } from '../net/request.ts';
import { useSpeech } from '../words/language.tsx';
import { stripOf } from './strip-words.ts';

export function Strip() {
  const { words, times } = useSpeech();
  const here = useOutbox().filter(({ state }) => state === 'here').length;
  const { tone, text, waiting, attention } = stripOf(useEdge(), here, words, times);
  const left = grace();
  return (
    <section id="strip" className="strip" data-tone={tone} aria-label={words.strip.connection}>
      <span className="lamp" aria-hidden="true" />
      <p role="status">{text}</p>
      {[waiting, attention, left === null ? '' : words.strip.grace(times.left(left))].map((more) =>
        more === '' ? null : <p key={more}>{more}</p>,
      )}
    </section>
  );
}
