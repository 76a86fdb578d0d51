/** Taking goods back without the sale: scanned or found, at today's price, with the receipt's number if somebody knows it. */
import { useState } from 'react';
import { useCatalogue } from '../../device/hooks.ts';
import { Field } from '../../parts/field.tsx';
import { useWords } from '../../words/language.tsx';
import { ArticleFinder } from '../sell/article-finder.tsx';
import { BasketCard } from '../sell/basket-card.tsx';
import { EMPTY, withMore, withQuantity } from '../sell/basket.ts';
import { useKeptBasket } from '../sell/kept-basket.ts';
import { RefundSheet } from './refund-sheet.tsx';

export function WithoutReceipt() {
  const { returns } = useWords();
  const catalogue = useCatalogue();
  const [basket, change] = useKeptBasket('return');
  const [isPaying, setPaying] = useState(false);
  const [number, setNumber] = useState('');
  const typed = number.trim();
  const lines = basket
    .toReversed()
    .map(({ product, qty }) => ({ productId: product.id, qty, unitPrice: product.price }));
  return (
    <div className="two-columns">
      <ArticleFinder
        title={returns.without}
        catalogue={catalogue}
        onChoose={({ product }) => change((now) => withMore(now, product))}
        onDone={() => basket.length > 0 && setPaying(true)}
      />
      <BasketCard
        basket={basket}
        hint={returns.nothing}
        action={returns.refund}
        onQuantity={(id, qty) => change((now) => withQuantity(now, id, qty))}
        onClear={() => change(() => EMPTY)}
        onPay={() => setPaying(true)}
      />
      {isPaying ? (
        <RefundSheet
          lines={lines}
          sale={typed === '' ? null : { number: typed }}
          onClose={() => setPaying(false)}
          onDone={() => change(() => EMPTY)}
        >
          <Field label={returns.number} autoCapitalize="none" autoComplete="off" value={number} onChange={setNumber} />
          <p className="hint">{returns.typed}</p>
        </RefundSheet>
      ) : null}
    </div>
  );
}
