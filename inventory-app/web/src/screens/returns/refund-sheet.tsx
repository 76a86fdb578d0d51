/** Why goods come back, and how the money goes back. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { amountOf } from '../../documents.ts';
import { Button } from '../../parts/button.tsx';
import { Choice } from '../../parts/choice.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { useShop } from '../../shop.tsx';
import { useWords } from '../../words/language.tsx';
import type { TenderType } from '../sell/basket.ts';
import { type Reason, type Refund, type RefundLine } from './refund.ts';
import { useRefund } from './use-refund.ts';

interface Props {
  lines: readonly RefundLine[];
  sale: Refund['sale'];
  /** What is asked before. */
  children: ReactNode;
  onClose(): void;
  /** It is recorded. */
  onDone?(): void;
}

export function RefundSheet({ lines, sale, children, onClose, onDone = () => {} }: Props) {
  const { returns, sell, common } = useWords();
  const { money } = useShop();
  const refund = useRefund();
  const [reason, setReason] = useState<Reason>('unwanted');
  const [tender, setTender] = useState<TenderType>('cash');
  const [error, setError] = useState('');
  const amount = returns.refund(money.show(amountOf(lines)));

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (lines.length === 0) return setError(returns.nothing);
    await refund({ sale, lines, reason, tender });
    onDone();
    return onClose();
  }

  return (
    <Sheet over={returns.title} title={amount} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <Choice label={returns.reason} value={reason} options={returns.reasons} onChange={setReason} />
        <Choice
          label={sell.paidBy}
          value={tender}
          options={{ cash: sell.cash, card: sell.card }}
          onChange={setTender}
        />
        <p className="error" role="alert">
          {error}
        </p>
        <div className="actions">
          <Button onPress={onClose}>{common.cancel}</Button>
          <Button type="submit" look="primary">
            {amount}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
