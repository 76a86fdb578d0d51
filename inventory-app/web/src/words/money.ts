/** Amounts are whole numbers of the currency's smallest unit: pence. */

export interface Money {
  currency: string;
  /** `£12.50` */
  show(minor: number): string;
  /** `12.50`, to be changed in a field. */
  plain(minor: number): string;
  /** Null where the text is not an amount. */
  read(text: string): number | null;
}

export function moneyOf(locale: string, currency: string): Money {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const decimals = digits === 0 ? '' : `([.,]\\d{0,${digits}})?`;
  const amount = new RegExp(`^\\d{1,9}${decimals}$`);
  return {
    currency,
    show: (minor) => format.format(minor / 10 ** digits),
    plain: (minor) => (minor / 10 ** digits).toFixed(digits),
    read(text) {
      const trimmed = text.trim();
      return amount.test(trimmed) ? Math.round(Number(trimmed.replace(',', '.')) * 10 ** digits) : null;
    },
  };
}
