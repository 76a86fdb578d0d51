/** What was recorded on this device and is not in the cloud yet: every change with who, when, what and where it is. */
import { useQuery } from '@tanstack/react-query';
import type { Recorded } from '../../device/db.ts';
import { useOutbox } from '../../device/hooks.ts';
import type { Words } from '../../words/en.ts';
import { useGoodsWords } from '../../words/goods.ts';
import { useSpeech } from '../../words/language.tsx';

const TONES = { here: 'warn', store: 'busy', refused: 'alarm' } as const satisfies Record<Recorded['state'], string>;

export function Changes() {
  const { words } = useSpeech();
  const outbox = useOutbox();
  return (
    <section className="card" aria-labelledby="changes-title">
      <div className="head">
        <h2 id="changes-title">{words.changes.title}</h2>
        <p className="count">{outbox.length === 0 ? '' : words.strip.waiting(outbox.length)}</p>
      </div>
      {outbox.length === 0 ? <p className="empty">{words.changes.none}</p> : null}
      <ul className="rows" id="changes">
        {outbox.map((change) => (
          <Change key={change.seq} change={change} words={words} />
        ))}
      </ul>
      <Storage />
    </section>
  );
}

function Change({ change: { kind, body, by, state, why }, words }: { change: Recorded; words: Words }) {
  const { times } = useSpeech();
  const wordsOf = useGoodsWords();
  const what = body.lines === undefined ? String(body.till) : wordsOf(body.lines);
  const at = body.occurredAt ?? body.startedAt;
  const number = typeof body.number === 'string' ? ` · ${body.number}` : '';

  return (
    <li className="row" data-state={state}>
      <div className="what">
        <p className="name">
          {words.changes.kinds[kind]}: {what}
        </p>
        <p className="detail">
          {by.name} · {times.time(Date.parse(String(at)))}
          {number}
        </p>
        {why === null ? null : <p className="error">{why}</p>}
      </div>
      <span className="badge" data-tone={TONES[state]}>
        {words.changes[state]}
      </span>
    </li>
  );
}

const MIB = 1024 ** 2;

function Storage() {
  const { words, locale } = useSpeech();
  // Only a page of a safe origin is told.
  const { data } = useQuery({
    queryKey: ['storage'],
    queryFn: async () => (await navigator.storage?.estimate?.()) ?? null,
  });
  if (data?.usage === undefined || data.quota === undefined) return null;
  const size = (bytes: number) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 }).format(bytes / MIB);
  return <p className="source">{words.changes.storage(size(data.usage), size(data.quota))}</p>;
}
