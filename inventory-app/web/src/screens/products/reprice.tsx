/** Changing a price. The edit says which price was seen, so that two people cannot overwrite each other. */
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { uuidv7 } from 'uuidv7';
import type { Product } from '../../documents.ts';
import { request } from '../../net/request.ts';
import { Trouble } from '../../net/trouble.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { useToast } from '../../parts/toasts.tsx';
import { useShop } from '../../shop.tsx';
import { troubleWords, useWords } from '../../words/language.tsx';
import { waits } from './waiting-edits.ts';

interface Attempt {
  key: string;
  body: { price: number; saw: { price: number } };
}

export function Reprice({ product, onClose }: { product: Product; onClose(): void }) {
  const words = useWords();
  const toast = useToast();
  const { money } = useShop();
  const client = useQueryClient();
  const [text, setText] = useState(money.plain(product.price));
  const [seen, setSeen] = useState(product.price);
  const [error, setError] = useState('');
  const [isOverruling, setOverruling] = useState(false);
  const attempt = useRef<Attempt | null>(null);
  const price = money.read(text);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (price === null) return setError(words.price.form);
    if (price === seen) return onClose();
    // The same edit again keeps its key; another one is another request.
    const { body } = attempt.current ?? {};
    if (body?.price !== price || body.saw.price !== seen)
      attempt.current = { key: uuidv7(), body: { price, saw: { price: seen } } };
    try {
      const sending = attempt.current ?? {};
      const { waiting } = await request('PATCH', `/products/${encodeURIComponent(product.id)}`, sending);
      const done = words.price.done(product.name, money.show(price));
      toast(waiting ? `${done} ${words.common.safe}` : done, waiting ? 'busy' : 'calm');
      if (waiting) waits(product.id);
      void client.invalidateQueries({ queryKey: ['products'] });
      return onClose();
    } catch (trouble) {
      return explain(trouble);
    }
  }

  function explain(trouble: unknown) {
    const now = trouble instanceof Trouble ? trouble.conflicts.find(({ field }) => field === 'price')?.current : null;
    if (typeof now !== 'number') return setError(troubleWords(trouble, words));
    setSeen(now);
    setOverruling(true);
    return setError(words.price.conflict(money.show(now)));
  }

  return (
    <Sheet over={words.price.over} title={product.name} onClose={onClose}>
      <p className="hint">{words.price.now(money.show(seen))}</p>
      <form onSubmit={(event) => void submit(event)}>
        <Field
          label={words.price.label(money.currency)}
          inputMode="decimal"
          autoComplete="off"
          isBig
          autoFocus
          isRequired
          value={text}
          onChange={(next) => {
            setText(next);
            setError('');
          }}
          error={error}
        />
        <div className="actions">
          <Button onPress={onClose}>{words.common.cancel}</Button>
          <Button type="submit" look="primary">
            {isOverruling && price !== null ? words.price.anyway(money.show(price)) : words.price.submit}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
