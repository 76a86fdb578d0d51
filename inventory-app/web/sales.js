/** The latest sales of this store, and which of them are still on their way to the cloud. */
import { request } from './api.js';
import { byId, element, showRows, tell } from './page.js';
import { sourceWords, timeWords } from './words.js';

const SHOWN = 20;

const moreWords = (count) => (count === 0 ? '' : ` · and ${count} more ${count === 1 ? 'article' : 'articles'}`);

export function createSales({ shop, products, failed }) {
  async function load() {
    const query = new URLSearchParams({ storeId: shop().store.id, limit: String(SHOWN) });
    try {
      const { body, source } = await request('GET', `/sales?${query}`);
      await products.learn(body.data.flatMap((sale) => sale.lines.map((line) => line.productId)));
      const rows = body.data.map((sale) => ({ sale, what: lineWords(sale.lines[0]) }));
      showRows(byId('sales'), rows, ({ sale }) => sale.id, row);
      tell(byId('sales-source'), sourceWords(source));
      tell(byId('sales-count'), body.page.total === 0 ? '' : `${body.page.total} in all`);
      tell(byId('sales-empty'), body.page.total === 0 ? 'Nothing sold yet.' : '');
    } catch (error) {
      failed(error, byId('sales-source'));
    }
  }

  function row({ sale, what }) {
    const occurred = new Date(sale.occurredAt);
    const time = element('time', { dateTime: sale.occurredAt }, timeWords(occurred));
    // When the server wrote it down is what a sale lacks until it did.
    const waits = sale.recordedAt === undefined;
    return element(
      'li',
      { className: 'row', dataset: { waiting: String(waits) } },
      element(
        'div',
        { className: 'what' },
        element('p', { className: 'name' }, what),
        element('p', { className: 'detail' }, time, moreWords(sale.lines.length - 1)),
      ),
      waits
        ? element('span', { className: 'badge', title: 'Safe in this store, not in the cloud yet' }, 'Waiting')
        : null,
      element('p', { className: 'price' }, shop().money.show(sale.total)),
    );
  }

  function lineWords(line) {
    return `${line.qty} × ${products.known.get(line.productId)?.name ?? line.description ?? line.productId}`;
  }

  return { load };
}
