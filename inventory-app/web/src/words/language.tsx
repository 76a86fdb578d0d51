/** Which language the page speaks, and how amounts and times are written in it. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { Trouble } from '../net/trouble.ts';
import { en, type Words } from './en.ts';
import { type Times, timesOf } from './times.ts';

export const LANGUAGES = { en: 'English', zh: '简体中文' } as const;
export type Language = keyof typeof LANGUAGES;

const LOCALES = { en: 'en-GB', zh: 'zh-CN' } as const satisfies Record<Language, string>;
const PLACE = 'inventory.language';

interface Speech {
  language: Language;
  locale: string;
  words: Words;
  times: Times;
  speak(language: Language): void;
}

const Context = createContext<Speech | null>(null);

export function useSpeech(): Speech {
  const speech = useContext(Context);
  if (speech === null) throw new Error('outside of <Speaking>');
  return speech;
}

export const useWords = (): Words => useSpeech().words;

function preferred(): Language {
  const chosen = localStorage.getItem(PLACE);
  if (chosen === 'en' || chosen === 'zh') return chosen;
  return navigator.languages
    .find((one) => /^(en|zh)\b/i.test(one))
    ?.toLowerCase()
    .startsWith('zh') === true
    ? 'zh'
    : 'en';
}

const load = async (language: Language): Promise<Words> => (language === 'en' ? en : (await import('./zh.ts')).zh);

export function Speaking({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(preferred);
  const [words, setWords] = useState<Words | null>(language === 'en' ? en : null);
  useEffect(() => {
    let isCurrent = true;
    void load(language).then((loaded) => {
      if (isCurrent) setWords(loaded);
    });
    document.documentElement.lang = LOCALES[language];
    return () => {
      isCurrent = false;
    };
  }, [language]);
  const speech = useMemo((): Speech | null => {
    if (words === null) return null;
    const speak = (next: Language) => {
      localStorage.setItem(PLACE, next);
      setLanguage(next);
    };
    return { language, locale: LOCALES[language], words, times: timesOf(LOCALES[language], words), speak };
  }, [language, words]);
  if (speech === null) return null;
  return (
    <I18nProvider locale={speech.locale}>
      <Context value={speech}>{children}</Context>
    </I18nProvider>
  );
}

/** What went wrong, as a sentence for the person. */
export function troubleWords(error: unknown, words: Words): string {
  if (!(error instanceof Trouble)) throw error;
  const known = words.trouble[error.code as keyof Words['trouble']];
  const said = known ?? (error.said === '' ? words.trouble.other : error.said);
  return error.lost ? `${said} ${words.trouble.again}` : said;
}
