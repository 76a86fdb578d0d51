/** A manager lets somebody in until midnight, while the cloud cannot. Only an edge can. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Edge } from '../net/edge-status.ts';
import { askEdge } from '../net/request.ts';
import type { Person } from '../net/session.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { troubleWords, useSpeech } from '../words/language.tsx';

interface Vouching {
  id: string;
  name: string;
  until: string;
  ended: string | null;
}

export function mayVouch(user: Person, edge: Edge | undefined): boolean {
  if (typeof edge !== 'object' || edge.people === null) return false;
  const isCut = edge.link.state === 'offline' || edge.link.held;
  return isCut && user.role !== 'clerk' && user.storeId !== null;
}

const KEY = ['people', 'vouchings'];

export function Vouch({ onClose }: { onClose(): void }) {
  const { words, times } = useSpeech();
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [given, setGiven] = useState<{ name: string; code: string; until: string } | null>(null);
  const [error, setError] = useState('');

  async function submit(event: FormEvent) {
    event.preventDefault();
    setError('');
    try {
      setGiven(await askEdge('people/vouchings', { name: name.trim() }));
      setName('');
      await client.invalidateQueries({ queryKey: KEY });
    } catch (trouble) {
      setError(troubleWords(trouble, words));
    }
  }

  return (
    <Sheet over={words.vouch.over} title={words.vouch.open} onClose={onClose}>
      <p className="hint">{words.vouch.hint}</p>
      <form onSubmit={(event) => void submit(event)}>
        <Field
          label={words.vouch.name}
          maxLength={64}
          isRequired
          autoFocus
          value={name}
          onChange={setName}
          error={error}
        />
        {given === null ? null : (
          <>
            <output className="code">{given.code}</output>
            <p className="hint" role="status">
              {words.vouch.how(given.name, times.time(Date.parse(given.until)))}
            </p>
          </>
        )}
        <Guests />
        <div className="actions">
          <Button onPress={onClose}>{words.common.close}</Button>
          <Button type="submit" look="primary">
            {words.vouch.submit}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}

function Guests() {
  const { words, times } = useSpeech();
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: KEY,
    queryFn: () => askEdge<{ vouchings: Vouching[] }>('people/vouchings'),
    staleTime: 0,
  });
  const now = Date.now();
  const begun = (data?.vouchings ?? []).filter(({ until, ended }) => ended === null && Date.parse(until) > now);
  const end = async (id: string) => client.setQueryData(KEY, await askEdge('people/vouchings/end', { id }));
  return (
    <ul className="guests" aria-label={words.vouch.list}>
      {begun.map(({ id, name, until }) => (
        <li key={id}>
          <span>{words.vouch.until(name, times.time(Date.parse(until)))}</span>
          <Button aria-label={words.vouch.endOf(name)} onPress={() => void end(id)}>
            {words.vouch.end}
          </Button>
        </li>
      ))}
    </ul>
  );
}
