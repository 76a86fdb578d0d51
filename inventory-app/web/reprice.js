/** Changing a product's price. The edit says which price was seen, so that two people cannot overwrite each other. */
import { request, uuid } from './api.js';
import { byId, onSubmit, tell, toast } from './page.js';

/** Makes the dialog, and returns how to open it. `changed` is called with the product's id and whether it waits. */
export function createReprice({ shop, changed, failed }) {
  let product = null;
  let seen = 0;
  let attempt = null;

  function open(chosen) {
    product = chosen;
    attempt = null;
    byId('price-title').textContent = product.name;
    byId('price-currency').textContent = shop().money.currency;
    byId('price-input').value = shop().money.plain(product.price);
    byId('price-submit').textContent = 'Change price';
    see(product.price);
    tell(byId('price-error'), '');
    byId('price').showModal();
    byId('price-input').select();
  }

  function see(price) {
    seen = price;
    byId('price-now').textContent = `Now ${shop().money.show(price)}`;
  }

  async function submit() {
    const price = shop().money.read(byId('price-input').value);
    if (price === null) return tell(byId('price-error'), 'Write the price like 2.50.');
    if (price === seen) return byId('price').close();
    // The same edit again keeps its key; another one is another request.
    if (attempt?.body.price !== price || attempt.body.saw.price !== seen)
      attempt = { key: uuid(), body: { price, saw: { price: seen } } };
    try {
      const { waiting } = await request('PATCH', `/products/${encodeURIComponent(product.id)}`, attempt);
      byId('price').close();
      const what = `${product.name} is now ${shop().money.show(price)}.`;
      toast(waiting ? `${what} Safe in this store, on its way to the cloud.` : what, waiting ? 'busy' : 'calm');
      changed(product.id, waiting);
    } catch (error) {
      explain(error, price);
    }
    return undefined;
  }

  function explain(error, price) {
    const conflict = error.conflicts?.find(({ field }) => field === 'price');
    if (conflict === undefined) return failed(error, byId('price-error'));
    see(conflict.current);
    byId('price-submit').textContent = `Make it ${shop().money.show(price)} anyway`;
    return tell(byId('price-error'), `Someone else has just made it ${shop().money.show(conflict.current)}.`);
  }

  byId('price-input').addEventListener('input', () => tell(byId('price-error'), ''));
  onSubmit(byId('price-form'), submit);
  return open;
}
