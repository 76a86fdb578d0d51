/** The money: card, or cash and what is given back. */
import { type FormEvent, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { Choice } from '../../parts/choice.tsx';
import { Field } from '../../parts/field.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { useShop } from '../../shop.tsx';
import { useWords } from '../../words/language.tsx';
import type { TenderType } from './basket.ts';

interface Props {
  total: number;
  /** Keeps the sale; resolves when it is safe. */
  onPaid(tender: TenderType): Promise<void>;
  onClose(): void;
}

export function Payment({ total, onPaid, onClose }: Props) {
  const { sell, common, price } = useWords();
  const { money } = useShop();
  const [tender, setTender] = useState<TenderType>('cash');
  const [given, setGiven] = useState('');
  const [error, setError] = useState('');
  const [change, setChange] = useState<number | null>(null);
  // Nothing typed: the customer has given exactly that.
  const amount = given.trim() === '' ? total : money.read(given);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (tender === 'cash' && amount === null) return setError(price.form);
    if (tender === 'cash' && amount !== null && amount < total) return setError(sell.tooLittle);
    await onPaid(tender);
    const back = tender === 'cash' && amount !== null ? amount - total : 0;
    return back === 0 ? onClose() : setChange(back);
  }

  const isPaid = change !== null;
  return (
    // One sheet for both: where one went and another came, the focus would be lost between them.
    <Sheet over={isPaid ? sell.change : sell.total} title={money.show(isPaid ? change : total)} onClose={onClose}>
      {isPaid ? (
        <Button look="primary" isWide autoFocus onPress={onClose}>
          {sell.next}
        </Button>
      ) : (
        <form className="payment" onSubmit={(event) => void submit(event)}>
          <Choice
            label={sell.paidBy}
            value={tender}
            options={{ cash: sell.cash, card: sell.card }}
            onChange={(next) => setTender(next)}
          />
          {tender === 'cash' ? (
            <>
              <Field
                label={sell.given}
                inputMode="decimal"
                autoComplete="off"
                autoFocus
                isBig
                placeholder={money.plain(total)}
                value={given}
                onChange={(next) => {
                  setGiven(next);
                  setError('');
                }}
                error={error}
              />
              <p className="change" role="status">
                {amount === null || amount < total ? '' : sell.changeDue(money.show(amount - total))}
              </p>
            </>
          ) : null}
          <div className="actions">
            <Button onPress={onClose}>{common.cancel}</Button>
            <Button type="submit" look="primary">
              {sell.finish(money.show(total))}
            </Button>
          </div>
        </form>
      )}
    </Sheet>
  );
}
