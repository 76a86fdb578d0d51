import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const schema = (provider: string) => readFileSync(new URL(`${provider}/schema.prisma`, import.meta.url), 'utf8');

/** From the first model on, without the one type that is meant to differ (SQLite numbers only INTEGER keys itself). */
const modelsOf = (provider: string) => {
  const text = schema(provider);
  return text
    .slice(text.indexOf('// Money in minor units'))
    .replace(/(position) +(?:Int|BigInt) +(@id @default\(autoincrement\(\)\))/u, '$1 Int $2');
};

test('Both schemas hold the same models', () => {
  expect(modelsOf('postgresql')).toBe(modelsOf('sqlite'));
});

test("Only the feed's position is wider in PostgreSQL", () => {
  expect(schema('sqlite')).toMatch(/position Int +@id/u);
  expect(schema('postgresql')).toMatch(/position BigInt +@id/u);
});
