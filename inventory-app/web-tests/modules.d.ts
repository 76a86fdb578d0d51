/** The page's modules are plain JavaScript; this is what their tests use of them. */
declare module '*/web/words.js' {
  interface Strip {
    tone: string;
    text: string;
    waiting: string;
    attention: string;
  }
  export function stripOf(status: object | null | undefined, now?: number): Strip;
  export function graceWords(seconds: number | null): string;
  export function timeWords(time: Date, now?: number): string;
  export function agoWords(time: Date, now?: number): string;
  export function sourceWords(source: { from: string | null; asOf: Date }, now?: number): string;
  export function stockOf(qty: number | undefined, reorderLevel: number): { tone: string; text: string };
  export function moneyOf(currency: string): {
    show(minor: number): string;
    plain(minor: number): string;
    read(text: string): number | null;
  };
}
