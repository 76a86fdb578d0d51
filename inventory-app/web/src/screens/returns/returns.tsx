/** Taking goods back: of a sale that is known here. */
import { useState } from 'react';
import { Link } from 'wouter';
import { Button } from '../../parts/button.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { useShop } from '../../shop.tsx';
import { useGoodsWords } from '../../words/goods.ts';
import { useWords } from '../../words/language.tsx';
import { type ShownSale, useRecentSales } from '../sales/recent-sales.ts';
import { SalesList } from '../sales/sales.tsx';
import { TakeBack } from './take-back.tsx';

export function Returns() {
  const words = useWords();
  const { store } = useShop();
  const recent = useRecentSales(store.id);
  const wordsOf = useGoodsWords();
  const [text, setText] = useState('');
  const [chosen, choose] = useState<ShownSale | null>(null);
  const wanted = text.trim().toLowerCase();
  const fits = (sale: ShownSale) => `${sale.number ?? ''} ${wordsOf(sale.lines)}`.toLowerCase().includes(wanted);
  return (
    <section className="card sales" aria-labelledby="returns-title">
      <div className="head">
        <h2 id="returns-title">{words.returns.title}</h2>
        <Link href="/return/without" className="as-link">
          {words.returns.without}
        </Link>
      </div>
      <SearchBox label={words.returns.find} value={text} onChange={setText} />
      <SalesList
        {...recent}
        sales={recent.sales.filter(fits)}
        action={(sale) => (
          <Button
            look="tinted"
            aria-label={`${words.returns.take} ${wordsOf(sale.lines)}`}
            onPress={() => choose(sale)}
          >
            {words.returns.take}
          </Button>
        )}
      />
      {chosen === null ? null : <TakeBack sale={chosen} onClose={() => choose(null)} />}
    </section>
  );
}
