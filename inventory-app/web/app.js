/** The page: who is signed in, how the link is, and what is shown again when something changed. */
import { edgeStatus, grace, request, session, signIn, signOut } from './api.js';
import { byId, element, onSubmit, tell } from './page.js';
import { createPin } from './pin.js';
import { ProductList } from './products.js';
import { createReprice } from './reprice.js';
import { createSales } from './sales.js';
import { createSell } from './sell.js';
import { createVouch, mayVouch } from './vouch.js';
import { graceWords, moneyOf, stripOf } from './words.js';

const LOOK_EVERY = 2000;
/** Where there is no edge, one may come to be; nothing hurries. */
const LOOK_FOR_EDGE_EVERY = 10_000;
/** What is shown is read again this often even where nothing here hints at a change: others change things too. */
const REFRESH_EVERY = 10_000;

/** The store, its money, and the user; null where nobody is signed in. */
let shop = null;
let lastSeen = '';
let refreshedAt = 0;

const products = new ProductList({
  shop: () => shop,
  sell: (...chosen) => sell(...chosen),
  reprice: (chosen) => reprice(chosen),
  failed,
});
const sales = createSales({ shop: () => shop, products, failed });
const sell = createSell({ shop: () => shop, sold: refresh, failed });
const reprice = createReprice({ shop: () => shop, changed, failed });
createPin({ switched: enter, failed });
createVouch({ failed });

function refresh() {
  if (shop === null) return;
  refreshedAt = Date.now();
  void products.load();
  void sales.load();
}

function changed(id, waiting) {
  if (waiting) products.waits(id);
  refresh();
}

/** Says what went wrong beside where it did; a session that has ended ends here. */
function failed(error, place, more = '') {
  if (error.status === 401 && shop !== null) return leave('Please sign in again.');
  if (error.name !== 'Trouble') throw error;
  return tell(place, error.message + more);
}

function leave(message) {
  signOut();
  shop = null;
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  for (const list of ['products', 'sales']) byId(list).replaceChildren();
  byId('work').hidden = true;
  byId('me').hidden = true;
  byId('store-choice').hidden = true;
  byId('sign-in').hidden = false;
  byId('store').textContent = 'Sign in to begin';
  tell(byId('sign-in-error'), message);
  byId('username').focus();
}

let stores = [];

/** Opens the page for whoever is signed in. */
async function enter() {
  const { user } = session();
  stores = (await request('GET', '/stores?limit=100')).body.data;
  byId('user').textContent = user.name;
  byId('role').textContent = user.role;
  byId('stores').replaceChildren(...stores.map(({ id, name }) => element('option', { value: id }, `${name} · ${id}`)));
  byId('store-choice').hidden = user.storeId !== null || stores.length < 2;
  byId('store').hidden = !byId('store-choice').hidden;
  byId('me').hidden = false;
  byId('sign-in').hidden = true;
  byId('work').hidden = false;
  openStore(user, user.storeId);
  // On a phone the keyboard would cover the list.
  if (matchMedia('(pointer: fine)').matches) byId('search').focus();
}

/** Shows this store's stock and sales; null: any store, for someone who has none of their own. */
function openStore(user, id) {
  const store = stores.find((candidate) => candidate.id === id) ?? stores[0];
  shop = { store, user, money: moneyOf(store.currency) };
  byId('store').textContent = `${store.name} · ${store.id}`;
  refresh();
}

byId('stores').addEventListener('change', () => openStore(shop.user, byId('stores').value));

onSubmit(byId('sign-in-form'), async () => {
  tell(byId('sign-in-error'), '');
  try {
    await signIn(byId('username').value.trim(), byId('password').value);
    byId('password').value = '';
    await enter();
  } catch (error) {
    failed(error, byId('sign-in-error'));
  }
});
byId('sign-out').addEventListener('click', () => leave(''));

/** Shows how the link is, and reads everything again when it, or what waits, changed. */
async function look() {
  const status = await edgeStatus();
  const { tone, text, waiting, attention } = stripOf(status);
  byId('strip').dataset.tone = tone;
  tell(byId('strip-text'), text);
  tell(byId('strip-waiting'), waiting);
  tell(byId('strip-attention'), attention);
  tell(byId('strip-grace'), shop === null ? '' : graceWords(grace()));
  byId('pin-open').hidden = status?.people == null;
  byId('vouch-open').hidden = !mayVouch(shop?.user, status);
  if (status !== undefined && (status === null || status.queue.length === 0)) products.settled();
  const seen = JSON.stringify([status?.link.state, status?.link.held, status?.queue.length, status?.queue.inbox]);
  await resume();
  const due = seen !== lastSeen || Date.now() - refreshedAt >= REFRESH_EVERY;
  lastSeen = seen;
  if (due && document.visibilityState === 'visible') refresh();
  setTimeout(look, status === null ? LOOK_FOR_EDGE_EVERY : LOOK_EVERY);
}

/** Opens the shop again after a reload, and as soon as something answers. */
async function resume() {
  if (shop !== null || session() === null) return;
  try {
    await enter();
  } catch (error) {
    if (error.status === 401) leave('Please sign in again.');
  }
}

if (session() === null) leave('');
void look();
