/** What is around every screen: where one is, who one is, how the connection is, and where else one can go. */
import type { ReactNode } from 'react';
import { Link, useRoute } from 'wouter';
import { useShop } from '../shop.tsx';
import { useWords } from '../words/language.tsx';
import { Icon, type IconName } from './icon.tsx';
import { Me } from './me.tsx';
import { Strip } from './strip.tsx';

const PLACES = [
  ['/sell', 'sell'],
  ['/return', 'returns'],
  ['/products', 'products'],
  ['/sales', 'sales'],
  ['/changes', 'changes'],
] as const satisfies readonly (readonly [string, IconName])[];

export function Frame({ children }: { children: ReactNode }) {
  const words = useWords();
  return (
    <div className="frame">
      <a className="skip" href="#work" onClick={toWork}>
        {words.common.skip}
      </a>
      <header className="bar">
        <img className="mark" src="/icon.svg" alt="" width="32" height="32" />
        <StoreName />
        <Me />
      </header>
      <Strip />
      <nav className="nav" aria-label={words.nav.menu}>
        {PLACES.map(([path, name]) => (
          <NavLink key={path} path={path} name={name} text={words.nav[name]} />
        ))}
      </nav>
      <main id="work" className="work" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** The address of the page is the screen: a link to a part of it would be another screen. */
function toWork(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById('work')?.focus();
}

function NavLink({ path, name, text }: { path: string; name: IconName; text: string }) {
  const [isHere] = useRoute(path);
  return (
    <Link href={path} className="place" aria-current={isHere ? 'page' : undefined}>
      <Icon name={name} />
      <span>{text}</span>
    </Link>
  );
}

function StoreName() {
  const { app, common } = useWords();
  const { store, stores, choose } = useShop();
  return (
    <div className="place-name">
      <h1>{app}</h1>
      {stores.length < 2 ? (
        <p>
          {store.name} · {store.id}
        </p>
      ) : (
        <select aria-label={common.store} value={store.id} onChange={({ target }) => choose(target.value)}>
          {stores.map(({ id, name }) => (
            <option key={id} value={id}>
              {name} · {id}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
