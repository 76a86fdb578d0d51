/** What of a sale is brought back, why, and how the money goes back. */
import { type FormEvent, useState } from 'react';
import { useCatalogue } from '../../device/hooks.ts';
import { record } from '../../device/outbox.ts';
import { uuid } from '../../net/uuid.ts';
import { Button } from '../../parts/button.tsx';
import { Choice } from '../../parts/choice.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { Stepper } from '../../parts/stepper.tsx';
import { useToast } from '../../parts/toasts.tsx';
import { useShop } from '../../shop.tsx';
import { sender } from '../../work.ts';
import { useWords } from '../../words/language.tsx';
import type { Words } from '../../words/en.ts';
import type { ShownSale } from '../sales/recent-sales.ts';
import type { TenderType } from '../sell/basket.ts';

type Reason = keyof Words['returns']['reasons'];

export function TakeBack({ sale, onClose }: { sale: ShownSale; onClose(): void }) {
  const { returns, sell, common } = useWords();
  const toast = useToast();
  const { store, money } = useShop();
  const { byId } = useCatalogue();
  const [back, setBack] = useState<readonly number[]>(() => sale.lines.map(() => (sale.lines.length === 1 ? 1 : 0)));
  const [reason, setReason] = useState<Reason>('unwanted');
  const [tender, setTender] = useState<TenderType>('cash');
  const [error, setError] = useState('');
  const nameOf = (productId: string) => byId.get(productId)?.product.name ?? productId;
  const lines = sale.lines.map((line, at) => ({ ...line, qty: back[at] ?? 0 })).filter(({ qty }) => qty > 0);
  const total = lines.reduce((sum, { qty, unitPrice }) => sum + qty * unitPrice, 0);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const [first] = lines;
    if (first === undefined) return setError(returns.nothing);
    await record('returns', {
      id: uuid(),
      storeId: store.id,
      till: 'web',
      saleId: sale.id,
      reason: returns.reasons[reason],
      occurredAt: new Date().toISOString(),
      lines: lines.map(({ productId, qty, unitPrice }) => ({ productId, qty, unitPrice })),
      tenders: [{ type: tender, amount: total }],
    });
    sender.wake();
    const what = sell.andMore(`${first.qty} × ${nameOf(first.productId)}`, lines.length - 1);
    toast(returns.done(what, money.show(total)));
    return onClose();
  }

  return (
    <Sheet over={returns.title} title={returns.refund(money.show(total))} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <ul className="rows">
          {sale.lines.map(({ productId, qty }, at) => (
            <li key={`${productId}${at}`} className="row">
              <div className="what">
                <p className="name">{nameOf(productId)}</p>
                <p className="detail">{returns.of(qty)}</p>
              </div>
              <Stepper
                label={`${common.quantity}, ${nameOf(productId)}`}
                value={back[at] ?? 0}
                least={0}
                most={qty}
                onChange={(next) => setBack(back.with(at, next))}
              />
            </li>
          ))}
        </ul>
        <Choice label={returns.reason} value={reason} options={returns.reasons} onChange={(next) => setReason(next)} />
        <Choice
          label={sell.paidBy}
          value={tender}
          options={{ cash: sell.cash, card: sell.card }}
          onChange={(next) => setTender(next)}
        />
        <p className="error" role="alert">
          {error}
        </p>
        <div className="actions">
          <Button onPress={onClose}>{common.cancel}</Button>
          <Button type="submit" look="primary">
            {returns.refund(money.show(total))}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
