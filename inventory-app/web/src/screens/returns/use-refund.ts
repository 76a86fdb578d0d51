/** Records a refund, and says so. */
import { amountOf } from '../../documents.ts';
import { useToast } from '../../parts/toasts.tsx';
import { useShop } from '../../shop.tsx';
import { useGoodsWords } from '../../words/goods.ts';
import { useWords } from '../../words/language.tsx';
import { record } from '../../work.ts';
import { type Refund, returnOf } from './refund.ts';

/** Resolves when the refund is safe on this device. */
export function useRefund(): (refund: Omit<Refund, 'storeId'>) => Promise<void> {
  const { returns } = useWords();
  const toast = useToast();
  const { store, money } = useShop();
  const wordsOf = useGoodsWords();
  return async (refund) => {
    await record('returns', returnOf({ ...refund, storeId: store.id }, new Date()));
    toast(returns.done(wordsOf(refund.lines), money.show(amountOf(refund.lines))));
  };
}
