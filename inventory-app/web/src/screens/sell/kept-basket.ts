/** A basket that is there again after a reload or a browser's restart, until it is paid or emptied. */
import { useState } from 'react';
import { type Basket, EMPTY } from './basket.ts';

/** `place`: which basket; a till has one for selling and one for taking back. */
export function useKeptBasket(place: 'sell' | 'return'): [Basket, (change: (now: Basket) => Basket) => void] {
  const key = `inventory.basket.${place}`;
  const [basket, setBasket] = useState<Basket>(() => JSON.parse(localStorage.getItem(key) ?? '[]') as Basket);
  const change = (make: (now: Basket) => Basket) =>
    setBasket((now) => {
      const next = make(now);
      if (next.length === 0) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(next));
      return next.length === 0 ? EMPTY : next;
    });
  return [basket, change];
}
