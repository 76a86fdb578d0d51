/** How much of an article there is. */
import type { Article } from '../device/catalogue.ts';
import type { Words } from '../words/en.ts';
import { useWords } from '../words/language.tsx';

export function stockOf(qty: number | undefined, reorderLevel: number, { stock }: Words) {
  if (qty === undefined) return { tone: 'none', text: stock.none };
  if (qty < 0) return { tone: 'gone', text: stock.short(-qty) };
  if (qty === 0) return { tone: 'gone', text: stock.out };
  return { tone: qty <= reorderLevel ? 'low' : 'some', text: stock.some(qty) };
}

export function Stock({ article: { product, qty } }: { article: Article }) {
  const { tone, text } = stockOf(qty, product.reorderLevel, useWords());
  return (
    <span className="stock" data-tone={tone}>
      {text}
    </span>
  );
}
