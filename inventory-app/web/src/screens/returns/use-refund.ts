/** Records a refund, and says so. */
import { useCatalogue } from '../../device/hooks.ts';
import { record } from '../../device/outbox.ts';
import { useToast } from '../../parts/toasts.tsx';
import { useShop } from '../../shop.tsx';
import { sender } from '../../work.ts';
import { useWords } from '../../words/language.tsx';
import { type Refund, refundTotal, returnOf } from './refund.ts';

/** Resolves when the refund is safe on this device. */
export function useRefund(): (refund: Omit<Refund, 'storeId'>) => Promise<void> {
  const { returns, sell } = useWords();
  const toast = useToast();
  const { store, money } = useShop();
  const { byId } = useCatalogue();
  return async (refund) => {
    await record('returns', returnOf({ ...refund, storeId: store.id }, new Date()));
    sender.wake();
    const [first] = refund.lines;
    const name = byId.get(first?.productId ?? '')?.product.name ?? first?.productId ?? '';
    const what = sell.andMore(`${first?.qty ?? 0} × ${name}`, refund.lines.length - 1);
    toast(returns.done(what, money.show(refundTotal(refund.lines))));
  };
}
