/** Sentences that go by themselves. */
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';

export type Tone = 'calm' | 'busy' | 'alarm';

interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

const TIME = 5_000;
let last = 0;

const Context = createContext<(text: string, tone?: Tone) => void>(() => {});

export const useToast = () => useContext(Context);

export function Toasts({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Toast[]>([]);
  const toast = useCallback((text: string, tone: Tone = 'calm') => {
    const id = (last += 1);
    setShown((toasts) => [...toasts, { id, text, tone }]);
    setTimeout(() => setShown((toasts) => toasts.filter((one) => one.id !== id)), TIME);
  }, []);
  return (
    <Context value={toast}>
      {children}
      <div className="toasts" role="status">
        {shown.map(({ id, text, tone }) => (
          <p key={id} className="toast" data-tone={tone}>
            {text}
          </p>
        ))}
      </div>
    </Context>
  );
}
