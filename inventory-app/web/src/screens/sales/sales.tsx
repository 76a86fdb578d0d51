/** The latest sales of this store, and which of them are still on their way to the cloud. */
import type { ReactNode } from 'react';
import { useShop } from '../../shop.tsx';
import { useGoodsWords } from '../../words/goods.ts';
import { troubleWords, useSpeech } from '../../words/language.tsx';
import { type ShownSale, useRecentSales } from './recent-sales.ts';

export function Sales() {
  const { words } = useSpeech();
  const { store } = useShop();
  const recent = useRecentSales(store.id);
  return (
    <section className="card sales" aria-labelledby="sales-title">
      <div className="head">
        <h2 id="sales-title">{words.sales.title}</h2>
        <p className="count">{recent.total === 0 ? '' : words.sales.all(recent.total)}</p>
      </div>
      <SalesList {...recent} />
    </section>
  );
}

interface ListProps extends ReturnType<typeof useRecentSales> {
  /** What stands at the end of a row. */
  action?(sale: ShownSale): ReactNode;
}

export function SalesList({ sales, source, error, action }: ListProps) {
  const { words, times } = useSpeech();
  const wordsOf = useGoodsWords();
  const { money } = useShop();
  return (
    <>
      <p className="source">{source === undefined ? '' : times.source(source)}</p>
      {error === null ? null : (
        <p className="error" role="alert">
          {troubleWords(error, words)}
        </p>
      )}
      {source !== undefined && sales.length === 0 ? <p className="empty">{words.sales.none}</p> : null}
      <ul className="rows" id="sales">
        {sales.map((sale) => (
          <li key={sale.id} className="row" data-waiting={sale.isWaiting}>
            <div className="what">
              <p className="name">{wordsOf(sale.lines)}</p>
              <p className="detail">
                <time dateTime={new Date(sale.at).toISOString()}>{times.time(sale.at)}</time>
                {sale.number === null ? '' : ` · ${sale.number}`}
              </p>
            </div>
            {sale.isWaiting ? <span className="badge">{words.common.waiting}</span> : null}
            <p className="price">{money.show(sale.total)}</p>
            {action?.(sale)}
          </li>
        ))}
      </ul>
    </>
  );
}
