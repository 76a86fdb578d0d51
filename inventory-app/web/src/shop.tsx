/** The store that is worked in, its money, and who works in it. */
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { device } from './device/db.ts';
import type { Page, Store } from './documents.ts';
import { request } from './net/request.ts';
import type { Person } from './net/session.ts';
import { Trouble } from './net/trouble.ts';
import { useSpeech } from './words/language.tsx';
import { type Money, moneyOf } from './words/money.ts';

interface Shop {
  store: Store;
  /** More than one only for someone who has none of their own. */
  stores: readonly Store[];
  user: Person;
  money: Money;
  choose(storeId: string): void;
}

const Context = createContext<Shop | null>(null);

export function useShop(): Shop {
  const shop = useContext(Context);
  if (shop === null) throw new Error('outside of <Shop>');
  return shop;
}

/** From whoever answers, else as this device last saw them. */
async function readStores(): Promise<Store[]> {
  try {
    const { body } = await request<Page<Store>>('GET', '/stores?limit=500');
    await device.stores.bulkPut(body.data);
    return body.data;
  } catch (error) {
    const known = await device.stores.toArray();
    if (error instanceof Trouble && error.isSilence && known.length > 0) return known;
    throw error;
  }
}

export function Shop({ user, children }: { user: Person; children: ReactNode }) {
  const { locale } = useSpeech();
  const [chosen, choose] = useState(user.storeId);
  const { data: all } = useQuery({ queryKey: ['stores', user.id], queryFn: readStores });
  const shop = useMemo(() => {
    const stores = user.storeId === null ? all : all?.filter(({ id }) => id === user.storeId);
    const store = stores?.find(({ id }) => id === chosen) ?? stores?.[0];
    return stores === undefined || store === undefined
      ? null
      : { store, stores, user, money: moneyOf(locale, store.currency), choose };
  }, [all, chosen, user, locale]);
  return shop === null ? null : <Context value={shop}>{children}</Context>;
}
