/** Finds articles by scanner, by keys or by touch: whatever is scanned or typed ends with Enter. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { type Article, type Catalogue, find } from '../../device/catalogue.ts';
import { Button } from '../../parts/button.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { Stock } from '../../parts/stock.tsx';
import { useShop } from '../../shop.tsx';
import { useSpeech } from '../../words/language.tsx';

const SHOWN = 30;

interface Props {
  title: string;
  catalogue: Catalogue;
  onChoose(article: Article): void;
  /** Enter with nothing typed: all that is wanted has been found. */
  onDone(): void;
}

export function ArticleFinder({ title, catalogue, onChoose, onDone }: Props) {
  const { words, times } = useSpeech();
  const [text, setText] = useState('');
  const [unknown, setUnknown] = useState('');
  const [limit, setLimit] = useState(SHOWN);
  const input = useRef<HTMLInputElement>(null);
  useScanner(input);
  const found = find(catalogue, text);

  function change(next: string) {
    setText(next);
    setUnknown('');
    setLimit(SHOWN);
  }

  function enter() {
    const typed = text.trim();
    if (typed === '') return onDone();
    const exact = catalogue.byCode.get(typed) ?? catalogue.byCode.get(typed.toLowerCase());
    const article = exact ?? (found.length === 1 ? found[0] : undefined);
    if (article === undefined) return setUnknown(found.length === 0 ? typed : '');
    change('');
    return onChoose(article);
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      // What this opens has the focus at once: the same key would press its button.
      event.preventDefault();
      enter();
    }
    if (event.key === 'Escape') change('');
  };

  return (
    <section className="card products" aria-labelledby="products-title">
      <div className="head">
        <h2 id="products-title">{title}</h2>
        <p className="count" role="status">
          {text === '' ? words.products.all(found.length) : words.products.found(found.length)}
        </p>
      </div>
      <SearchBox
        ref={input}
        label={words.sell.scan}
        enterKeyHint="done"
        value={text}
        onChange={change}
        onKeyDown={onKeyDown}
      />
      <p className="error" role="alert">
        {unknown === '' ? '' : words.sell.unknown(unknown)}
      </p>
      {catalogue.asOf === null ? null : (
        <p className="source">{times.source({ from: 'device', asOf: catalogue.asOf })}</p>
      )}
      <ul className="rows" id="products">
        {found.slice(0, limit).map((article) => (
          <ArticleRow key={article.product.id} article={article} onChoose={onChoose} />
        ))}
      </ul>
      {found.length > 0 ? null : (
        <p className="empty">{text === '' ? words.products.none : words.products.nothing(text)}</p>
      )}
      {found.length > limit ? (
        <Button isWide onPress={() => setLimit(limit + SHOWN)}>
          {words.common.more}
        </Button>
      ) : null}
    </section>
  );
}

function ArticleRow({ article, onChoose }: { article: Article; onChoose(article: Article): void }) {
  const { sell } = useSpeech().words;
  const { money } = useShop();
  const { name, sku, price } = article.product;
  return (
    <li className="row">
      <button type="button" className="article" onClick={() => onChoose(article)}>
        <span className="unseen">{sell.add}</span>
        <span className="what">
          <span className="name">{name}</span>
          <span className="detail">{sku}</span>
        </span>
        <Stock article={article} />
        <span className="price">{money.show(price)}</span>
        <span className="plus" aria-hidden="true">
          +
        </span>
      </button>
    </li>
  );
}

/** A scanner types like a keyboard, wherever the focus is: what is typed outside of any field belongs to the search. */
function useScanner(input: { current: HTMLInputElement | null }): void {
  useEffect(() => {
    // On a phone the keyboard would cover the list.
    if (matchMedia('(pointer: fine)').matches) input.current?.focus();
    const take = (event: globalThis.KeyboardEvent) => {
      const isTyping = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
      const isElsewhere =
        event.target instanceof Element && event.target.closest('input, select, textarea, [role=dialog]');
      if (isTyping && event.key !== ' ' && isElsewhere === null) input.current?.focus();
    };
    addEventListener('keydown', take);
    return () => removeEventListener('keydown', take);
  }, [input]);
}
