/** Handing a shared till over by PIN, and setting one's own. Only an edge knows PINs. */
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { askEdge } from '../net/request.ts';
import { keepSession, type Session } from '../net/session.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { useToast } from '../parts/toasts.tsx';
import { troubleWords, useWords } from '../words/language.tsx';

/** The choice that sets a PIN instead of using one. */
const MINE = '';

export function Pin({ onClose }: { onClose(): void }) {
  const words = useWords();
  const toast = useToast();
  const here = useQuery({
    queryKey: ['people', 'here'],
    queryFn: () => askEdge<{ people: string[] }>('people/here'),
    staleTime: 0,
  });
  const names = here.data?.people ?? [];
  const [chosen, choose] = useState<string | null>(null);
  const [pin, setPin] = useState('');
  const [error, setError] = useState('');
  if (here.isPending) return null;
  const who = chosen ?? names[0] ?? MINE;

  async function submit(event: FormEvent) {
    event.preventDefault();
    try {
      if (who === MINE) await askEdge('people/pin', { pin });
      else keepSession(await askEdge<Session>('people/switch', { name: who, pin }));
      if (who === MINE) toast(words.pin.set);
      onClose();
    } catch (trouble) {
      setError(troubleWords(trouble, words));
    }
  }

  return (
    <Sheet over={words.pin.over} title={words.pin.title} onClose={onClose}>
      <p className="hint">{words.pin.hint}</p>
      <form onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>{words.pin.who}</span>
          <select value={who} onChange={({ target }) => choose(target.value)}>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
            <option value={MINE}>{words.pin.mine}</option>
          </select>
        </label>
        <Field
          label={words.pin.label}
          type="password"
          inputMode="numeric"
          pattern="[0-9]{4,8}"
          autoComplete="off"
          isRequired
          isBig
          autoFocus
          value={pin}
          onChange={setPin}
          error={error}
        />
        <div className="actions">
          <Button onPress={onClose}>{words.common.cancel}</Button>
          <Button type="submit" look="primary">
            {words.pin.submit}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
