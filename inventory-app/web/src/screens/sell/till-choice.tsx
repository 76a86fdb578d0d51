/** A device that is no till yet is asked which one it is. Until then its receipts have no numbers. */
import { type FormEvent, useState } from 'react';
import { useTill } from '../../device/hooks.ts';
import { startTill } from '../../device/start-till.ts';
import { Trouble } from '../../net/trouble.ts';
import { Button } from '../../parts/button.tsx';
import { useToast } from '../../parts/toasts.tsx';
import { useShop } from '../../shop.tsx';
import { troubleWords, useWords } from '../../words/language.tsx';

const TILLS = Array.from({ length: 20 }, (_, at) => `T${at + 1}`);

export function TillChoice() {
  const words = useWords();
  const toast = useToast();
  const { store, user } = useShop();
  const till = useTill(store.id);
  const [chosen, choose] = useState('T1');
  const [error, setError] = useState('');
  if (till !== null) return null;

  async function submit(event: FormEvent) {
    event.preventDefault();
    try {
      await startTill(store.id, chosen, `${user.name}, ${chosen}`);
      toast(words.till.started(chosen));
    } catch (trouble) {
      const isSilent = trouble instanceof Trouble && (trouble.isSilence || trouble.status >= 500);
      setError(isSilent ? words.till.silent : troubleWords(trouble, words));
    }
  }

  return (
    <form className="card till-choice" onSubmit={(event) => void submit(event)}>
      <div className="what">
        <h2>{words.till.which}</h2>
        <p className="hint">{words.till.hint}</p>
        <p className="error" role="alert">
          {error}
        </p>
      </div>
      <select aria-label={words.till.which} value={chosen} onChange={({ target }) => choose(target.value)}>
        {TILLS.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <Button type="submit" look="tinted">
        {words.till.start}
      </Button>
    </form>
  );
}
