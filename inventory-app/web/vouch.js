/** A manager lets somebody in until midnight, while the cloud cannot. Only an edge can; without one there is no button. */
import { people } from './api.js';
import { byId, element, onSubmit, tell } from './page.js';
import { timeWords } from './words.js';

/** Whether this person may let others in now: `status` is what api.js's `edgeStatus` gives. */
export function mayVouch(user, status) {
  if (user === undefined || status?.people == null) return false;
  const cut = status.link.state === 'offline' || status.link.held;
  return cut && user.role !== 'clerk' && user.storeId !== null;
}

/** `failed` says what went wrong beside where it did. */
export function createVouch({ failed }) {
  const dialog = byId('vouch');

  function list(vouchings) {
    const now = Date.now();
    const begun = vouchings.filter(({ until, ended }) => ended === null && Date.parse(until) > now);
    byId('vouch-list').replaceChildren(...begun.map(guest));
  }

  function guest({ id, name, until }) {
    const end = element('button', {
      type: 'button',
      className: 'quiet',
      textContent: 'End',
      ariaLabel: `End ${name}’s day`,
      on: { click: () => shown(() => people('vouchings/end', { id })) },
    });
    return element('li', {}, element('span', {}, `${name}, until ${timeWords(new Date(until))}`), end);
  }

  /** What the edge answers to it, as the list; or why not. */
  async function shown(ask) {
    try {
      list((await ask()).vouchings);
    } catch (error) {
      failed(error, byId('vouch-error'));
    }
  }

  byId('vouch-open').addEventListener('click', async () => {
    byId('vouch-name').value = '';
    byId('vouch-list').replaceChildren();
    for (const place of ['vouch-code', 'vouch-how', 'vouch-error']) tell(byId(place), '');
    dialog.showModal();
    await shown(() => people('vouchings'));
  });

  onSubmit(byId('vouch-form'), async () => {
    tell(byId('vouch-error'), '');
    try {
      const { name, code, until } = await people('vouchings', { name: byId('vouch-name').value.trim() });
      tell(byId('vouch-code'), code);
      tell(
        byId('vouch-how'),
        `${name} signs in with that name, and with this code as the password, until ${timeWords(new Date(until))}. ` +
          'It is shown this once.',
      );
      byId('vouch-name').value = '';
    } catch (error) {
      return failed(error, byId('vouch-error'));
    }
    await shown(() => people('vouchings'));
  });
}
