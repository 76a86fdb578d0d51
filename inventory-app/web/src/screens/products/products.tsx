/** All products with their prices and this store's stock; who may, changes prices here. */
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { type StockedProduct, readProducts } from '../../device/reads.ts';
import { Button } from '../../parts/button.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { Stock } from '../../parts/stock.tsx';
import { useShop } from '../../shop.tsx';
import { troubleWords, useSpeech } from '../../words/language.tsx';
import { Reprice } from './reprice.tsx';
import { useWaitingEdits } from './waiting-edits.ts';

const SHOWN = 30;
const MOST = 500;
/** Others change things too, ms. */
const AGAIN = 5_000;

export function Products() {
  const { words, times } = useSpeech();
  const { store } = useShop();
  const [text, setText] = useState('');
  const [limit, setLimit] = useState(SHOWN);
  const [repricing, reprice] = useState<StockedProduct | null>(null);
  const waiting = useWaitingEdits();
  const q = useDeferredValue(text.trim());
  const { data, error } = useQuery({
    queryKey: ['products', store.id, q, limit],
    queryFn: () => readProducts(store.id, q, limit),
    refetchInterval: AGAIN,
    placeholderData: (previous) => previous,
  });
  const shown = data?.data ?? [];
  const total = data?.total ?? 0;
  const all = q === '' ? words.products.all(total) : words.products.found(total);

  return (
    <section className="card products" aria-labelledby="products-title">
      <div className="head">
        <h2 id="products-title">{words.products.title}</h2>
        <p className="count" role="status">
          {shown.length === total ? all : words.products.part(shown.length, total)}
        </p>
      </div>
      <SearchBox label={words.common.search} placeholder={words.products.hint} value={text} onChange={setText} />
      <p className="source">{data === undefined ? '' : times.source(data.source)}</p>
      {error === null ? null : (
        <p className="error" role="alert">
          {troubleWords(error, words)}
        </p>
      )}
      <ul className="rows" id="products">
        {shown.map((item) => (
          <ProductRow key={item.product.id} item={item} isWaiting={waiting.has(item.product.id)} onReprice={reprice} />
        ))}
      </ul>
      {data !== undefined && total === 0 ? (
        <p className="empty">{q === '' ? words.products.none : words.products.nothing(q)}</p>
      ) : null}
      {shown.length < Math.min(total, MOST) ? (
        <Button isWide onPress={() => setLimit(Math.min(MOST, limit + SHOWN))}>
          {words.common.more}
        </Button>
      ) : null}
      {repricing === null ? null : <Reprice product={repricing.product} onClose={() => reprice(null)} />}
    </section>
  );
}

interface RowProps {
  item: StockedProduct;
  isWaiting: boolean;
  onReprice(item: StockedProduct): void;
}

function ProductRow({ item, isWaiting, onReprice }: RowProps) {
  const { products, common } = useSpeech().words;
  const { user, money } = useShop();
  const { name, sku, price } = item.product;
  const amount = money.show(price);
  return (
    <li className="row">
      <div className="what">
        <p className="name">{name}</p>
        <p className="detail">{sku}</p>
      </div>
      <Stock article={item} />
      {isWaiting ? <span className="badge">{common.waiting}</span> : null}
      <div className="price">
        {user.role === 'clerk' ? (
          amount
        ) : (
          <Button look="plain" aria-label={products.reprice(amount, name)} onPress={() => onReprice(item)}>
            {amount}
          </Button>
        )}
      </div>
    </li>
  );
}
