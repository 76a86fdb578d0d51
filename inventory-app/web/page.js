/** What all parts of the page use of it. */

export const byId = (id) => document.getElementById(id);

/** An element. `props` are properties; `dataset` and `on` (listeners) are objects. Text is always set as text. */
export function element(tag, { dataset = {}, on = {}, ...props } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  Object.assign(node.dataset, dataset);
  for (const [type, listener] of Object.entries(on)) node.addEventListener(type, listener);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Shows a text, and hides its place where there is none. */
export function tell(place, text) {
  if (place.textContent !== text) place.textContent = text;
  place.hidden = text === '';
}

/** What each row was made of. */
const made = new WeakMap();

/** Shows rows in order and touches only those that changed, so that focus and fingers stay where they are. */
export function showRows(list, items, keyOf, make) {
  const before = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const rows = items.map((item) => rowOf(item, before.get(keyOf(item)), keyOf(item), make));
  for (const row of list.querySelectorAll(':scope > *')) if (!rows.includes(row)) row.remove();
  for (const [at, row] of rows.entries())
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
}

function rowOf(item, old, key, make) {
  const content = JSON.stringify(item);
  if (old !== undefined && made.get(old) === content) return old;
  const row = make(item);
  row.dataset.key = key;
  made.set(row, content);
  const focused = old?.contains(document.activeElement) ? document.activeElement.className : null;
  old?.replaceWith(row);
  if (focused !== null) row.querySelector(`.${focused}`)?.focus();
  return row;
}

const TOAST_TIME = 5000;

/** A sentence that goes by itself; tones are calm, busy and alarm. */
export function toast(text, tone = 'calm') {
  const shown = element('p', { className: 'toast', dataset: { tone } }, text);
  byId('toasts').append(shown);
  setTimeout(() => shown.remove(), TOAST_TIME);
}

for (const button of document.querySelectorAll('[data-close]'))
  button.addEventListener('click', () => button.closest('dialog').close());

/** Runs the work of a form once at a time, its button being busy meanwhile. */
export function onSubmit(form, work) {
  const button = form.querySelector('[type=submit]');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    form.setAttribute('aria-busy', 'true');
    try {
      await work();
    } finally {
      button.disabled = false;
      form.removeAttribute('aria-busy');
    }
  });
}
