/** Who is signed in decides what there is: the way in, or the work. */
import { useEffect, useSyncExternalStore } from 'react';
import { Redirect, Route, Router, Switch } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { Frame } from './frame/frame.tsx';
import { NewVersion } from './frame/new-version.tsx';
import { type Person, onSession, session } from './net/session.ts';
import { Changes } from './screens/changes/changes.tsx';
import { Products } from './screens/products/products.tsx';
import { Returns } from './screens/returns/returns.tsx';
import { WithoutReceipt } from './screens/returns/without-receipt.tsx';
import { Sales } from './screens/sales/sales.tsx';
import { Sell } from './screens/sell/sell.tsx';
import { SignIn } from './screens/sign-in/sign-in.tsx';
import { Shop, useShop } from './shop.tsx';
import { startWorking } from './work.ts';

export function App() {
  const signedIn = useSyncExternalStore(onSession, session);
  return (
    <>
      {signedIn === null ? <SignIn /> : <Work key={signedIn.user.id} user={signedIn.user} />}
      <NewVersion />
    </>
  );
}

function Work({ user }: { user: Person }) {
  return (
    <Shop user={user}>
      <Behind />
      <Router hook={useHashLocation}>
        <Frame>
          <Switch>
            <Route path="/sell" component={Sell} />
            <Route path="/return" component={Returns} />
            <Route path="/return/without" component={WithoutReceipt} />
            <Route path="/products" component={Products} />
            <Route path="/sales" component={Sales} />
            <Route path="/changes" component={Changes} />
            <Route>
              <Redirect to="/sell" replace />
            </Route>
          </Switch>
        </Frame>
      </Router>
    </Shop>
  );
}

/** What goes on behind the screens while somebody works in a store. */
function Behind() {
  const { store } = useShop();
  useEffect(() => startWorking(store.id), [store.id]);
  return null;
}
