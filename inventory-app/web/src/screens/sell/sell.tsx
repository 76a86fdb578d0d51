/** Selling: scan or find on the left, the basket on the right, and then the money. */
import { useState } from 'react';
import { useOutbox, useCatalogue } from '../../device/hooks.ts';
import { useToast } from '../../parts/toasts.tsx';
import { useShop } from '../../shop.tsx';
import { useGoodsWords } from '../../words/goods.ts';
import { useWords } from '../../words/language.tsx';
import { record } from '../../work.ts';
import { ArticleFinder } from './article-finder.tsx';
import { BasketCard } from './basket-card.tsx';
import { EMPTY, saleOf, type TenderType, totalOf, withMore, withQuantity } from './basket.ts';
import { useKeptBasket } from './kept-basket.ts';
import { Payment } from './payment.tsx';
import { TillChoice } from './till-choice.tsx';

export function Sell() {
  const words = useWords();
  const toast = useToast();
  const { store, money } = useShop();
  const catalogue = useCatalogue();
  const isHere = useOutbox().length > 0;
  const [basket, change] = useKeptBasket('sell');
  const wordsOf = useGoodsWords();
  const [isPaying, setPaying] = useState(false);

  async function finish(tender: TenderType) {
    const sale = saleOf(basket, store.id, tender, new Date());
    await record('sales', sale);
    toast(words.sell.done(wordsOf(sale.lines), money.show(totalOf(basket))), isHere ? 'busy' : 'calm');
    change(() => EMPTY);
  }

  return (
    <div className="two-columns">
      <TillChoice />
      <ArticleFinder
        title={words.sell.title}
        catalogue={catalogue}
        onChoose={({ product }) => change((now) => withMore(now, product))}
        onDone={() => basket.length > 0 && setPaying(true)}
      />
      <BasketCard
        basket={basket}
        hint={words.sell.empty}
        action={words.sell.pay}
        onQuantity={(id, qty) => change((now) => withQuantity(now, id, qty))}
        onClear={() => change(() => EMPTY)}
        onPay={() => setPaying(true)}
      />
      {isPaying ? <Payment total={totalOf(basket)} onPaid={finish} onClose={() => setPaying(false)} /> : null}
    </div>
  );
}
