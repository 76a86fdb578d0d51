/** Selling one product. */
import { request, uuid } from './api.js';
import { byId, onSubmit, tell, toast } from './page.js';
import { stockOf } from './words.js';

const MOST = 9999;

/** Makes the dialog, and returns how to open it. `sold` is called after every sale. */
export function createSell({ shop, sold, failed }) {
  let product = null;
  /** The request, once it was sent: until its outcome is known it is this one that is sent again, under its key. */
  let attempt = null;

  const quantity = () => (byId('sell-qty').validity.valid ? Number(byId('sell-qty').value) : 1);

  function open(chosen, qty) {
    product = chosen;
    attempt = null;
    byId('sell-title').textContent = product.name;
    byId('sell-stock').textContent = stockOf(qty, product.reorderLevel).text;
    byId('sell-qty').value = '1';
    tell(byId('sell-error'), '');
    freeze(false);
    total();
    byId('sell').showModal();
    byId('sell-submit').focus();
  }

  function total() {
    byId('sell-submit').textContent = `Sell for ${shop().money.show(product.price * quantity())}`;
  }

  function step(by) {
    byId('sell-qty').value = String(Math.min(MOST, Math.max(1, quantity() + by)));
    total();
  }

  /** What was sent once must not change any more, or it would be another sale. */
  function freeze(frozen) {
    for (const control of byId('sell-form').querySelectorAll('input, .stepper button')) control.disabled = frozen;
  }

  function saleNow() {
    const lineTotal = product.price * quantity();
    return {
      id: uuid(),
      storeId: shop().store.id,
      till: 'web',
      occurredAt: new Date().toISOString(),
      lines: [{ productId: product.id, qty: quantity(), unitPrice: product.price }],
      tenders: [{ type: byId('sell-form').elements.tender.value, amount: lineTotal }],
    };
  }

  async function submit() {
    attempt ??= { key: uuid(), body: saleNow() };
    try {
      const { waiting } = await request('POST', '/sales', attempt);
      const what = `${attempt.body.lines[0].qty} × ${product.name}`;
      byId('sell').close();
      if (waiting) toast(`Sold ${what}. Safe in this store, on its way to the cloud.`, 'busy');
      else toast(`Sold ${what}.`);
      sold();
    } catch (error) {
      if (error.lost) freeze(true);
      else attempt = null;
      const again = error.lost ? ' Press again: it will not be sold twice.' : '';
      failed(error, byId('sell-error'), again);
    }
  }

  byId('sell-less').addEventListener('click', () => step(-1));
  byId('sell-plus').addEventListener('click', () => step(1));
  byId('sell-qty').addEventListener('input', total);
  onSubmit(byId('sell-form'), submit);
  return open;
}
