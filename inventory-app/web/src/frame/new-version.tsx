/** A new version of the page is offered, and never forced into the middle of a sale. */
import { useEffect, useState } from 'react';
import { Workbox } from 'workbox-window';
import { Button } from '../parts/button.tsx';
import { useWords } from '../words/language.tsx';

export function NewVersion() {
  const { common } = useWords();
  const [waiting, setWaiting] = useState<Workbox | null>(null);
  useEffect(() => {
    if (!('serviceWorker' in navigator)) return;
    const workbox = new Workbox('/service-worker.js');
    workbox.addEventListener('waiting', () => setWaiting(workbox));
    workbox.addEventListener('controlling', ({ isUpdate }) => {
      if (isUpdate === true) location.reload();
    });
    void workbox.register().catch(() => undefined);
  }, []);
  if (waiting === null) return null;
  return (
    <div className="new-version" role="status">
      <p>{common.newVersion}</p>
      <Button look="tinted" onPress={() => waiting.messageSkipWaiting()}>
        {common.reload}
      </Button>
    </div>
  );
}
