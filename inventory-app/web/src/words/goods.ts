/** What moved, in words: `2 × Basmati Rice 1kg and 1 other article`. */
import { useCatalogue } from '../device/hooks.ts';
import { useWords } from './language.tsx';

interface GoodsLine {
  productId: string;
  qty: number;
  /** What an article was called that nobody knows any more. */
  description?: string | null;
}

export function useGoodsWords(): (lines: readonly GoodsLine[]) => string {
  const { sell } = useWords();
  const { byId } = useCatalogue();
  return (lines) => {
    const [first] = lines;
    if (first === undefined) return '';
    const name = byId.get(first.productId)?.product.name ?? first.description ?? first.productId;
    return sell.andMore(`${first.qty} × ${name}`, lines.length - 1);
  };
}
