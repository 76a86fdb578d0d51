/** The latest sales of this store, and which of them are still on their way to the cloud. */
import { request } from './api.js';
import { byId, element, showRows, tell } from './page.js';
import { sourceWords, timeWords } from './words.js';

const SHOWN = 20;

export function createSales({ shop, products, failed }) {
  async function load() {
    const query = new URLSearchParams({ storeId: shop().store.id, limit: String(SHOWN) });
    try {
      const { body, source } = await request('GET', `/sales?${query}`);
      await products.learn(body.data.flatMap((sale) => sale.lines.map((line) => line.productId)));
      const rows = body.data.map((sale) => ({ sale, what: linesWords(sale.lines) }));
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
    // When the server wrote it down is what a sale lacks until it did.
    const waits = sale.recordedAt === undefined;
    return element(
      'li',
      { className: 'row', dataset: { waiting: String(waits) } },
      element(
        'div',
        { className: 'what' },
        element('p', { className: 'name' }, what),
        element('p', { className: 'detail' }, element('time', { dateTime: sale.occurredAt }, timeWords(occurred))),
      ),
      waits
        ? element('span', { className: 'badge', title: 'Safe in this store, not in the cloud yet' }, 'Waiting')
        : null,
      element('p', { className: 'price' }, shop().money.show(sale.total)),
    );
  }

  function linesWords(lines) {
    const [first, ...rest] = lines;
    if (first === undefined) return 'Nothing';
    const name = products.known.get(first.productId)?.name ?? first.description ?? first.productId;
    const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
    return `${first.qty} × ${name}${more}`;
  }

  return { load };
}
