/** Valid barcodes for made-up articles (GS1 General Specifications §2.1.11: prefixes 20 to 29 are for use in a store). */
import { createHash } from 'node:crypto';

/** `digits`: twelve of them. Returns them with their check digit (GS1 General Specifications §7.9.1). */
export function ean13(digits: string): string {
  if (!/^\d{12}$/.test(digits)) throw new RangeError(`not twelve digits: ${digits}`);
  const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

/** The same code has the same barcode always; two codes share one by a chance of one in 10^10. */
export function barcodeOf(code: string): string {
  const number = createHash('sha256').update(code).digest().readBigUInt64BE() % 10_000_000_000n;
  return ean13(`29${String(number).padStart(10, '0')}`);
}
