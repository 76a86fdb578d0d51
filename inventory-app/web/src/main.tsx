/** Where the page begins. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { followCopy } from './device/catalogue.ts';
import { Toasts } from './parts/toasts.tsx';
import './styles/base.css';
import './styles/parts.css';
import './styles/screens.css';
import { Speaking } from './words/language.tsx';

// Whether something answers is found out by asking: a device on the store's network has no Internet, and is not offline.
const client = new QueryClient({
  defaultOptions: { queries: { networkMode: 'always', retry: false }, mutations: { networkMode: 'always' } },
});

followCopy();
// A browser that is short of space may forget what it was not asked to keep.
void navigator.storage?.persist?.();

const root = document.getElementById('root');
if (root !== null)
  createRoot(root).render(
    <QueryClientProvider client={client}>
      <Speaking>
        <Toasts>
          <App />
        </Toasts>
      </Speaking>
    </QueryClientProvider>,
  );
