/** What of a sale is brought back. */
import { useState } from 'react';
import { useCatalogue } from '../../device/hooks.ts';
import { Stepper } from '../../parts/stepper.tsx';
import { useWords } from '../../words/language.tsx';
import type { ShownSale } from '../sales/recent-sales.ts';
import { RefundSheet } from './refund-sheet.tsx';

export function TakeBack({ sale, onClose }: { sale: ShownSale; onClose(): void }) {
  const { returns, common } = useWords();
  const { byId } = useCatalogue();
  const [back, setBack] = useState<readonly number[]>(() => sale.lines.map(() => (sale.lines.length === 1 ? 1 : 0)));
  const nameOf = (productId: string) => byId.get(productId)?.product.name ?? productId;
  const lines = sale.lines.map((line, at) => ({ ...line, qty: back[at] ?? 0 })).filter(({ qty }) => qty > 0);
  return (
    <RefundSheet lines={lines} sale={{ id: sale.id }} onClose={onClose}>
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
    </RefundSheet>
  );
}
