/** Handing a shared till over by PIN, and setting one's own. Only an edge knows PINs; without one there is no button. */
import { people, switchTo } from './api.js';
import { byId, element, onSubmit, tell, toast } from './page.js';

/** The choice that sets a PIN instead of using one. */
const MINE = '';

/** `switched` opens the page for whoever is signed in now; `failed` says what went wrong beside where it did. */
export function createPin({ switched, failed }) {
  const dialog = byId('pin');

  byId('pin-open').addEventListener('click', async () => {
    const { people: here } = await people('here').catch(() => ({ people: [] }));
    const choices = here.map((name) => element('option', { value: name }, name));
    byId('pin-who').replaceChildren(...choices, element('option', { value: MINE }, 'Set a PIN for myself'));
    byId('pin-input').value = '';
    tell(byId('pin-error'), '');
    dialog.showModal();
  });

  onSubmit(byId('pin-form'), async () => {
    const [who, pin] = [byId('pin-who').value, byId('pin-input').value];
    try {
      if (who === MINE) await people('pin', { pin });
      else await switchTo(who, pin);
      dialog.close();
      if (who === MINE) toast('Your PIN is set on this till');
      else await switched();
    } catch (error) {
      // A wrong PIN ends nobody's session.
      if (error.status === 401) tell(byId('pin-error'), error.message);
      else failed(error, byId('pin-error'));
    }
  });
}
