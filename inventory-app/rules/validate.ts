/** Bodies against their schemas. */
import type * as z from 'zod';
import { type FieldError, ProblemError } from './problems.ts';

/** PostgreSQL keeps no NUL in text, and a lone surrogate does not survive UTF-8. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function* unstorable(value: unknown, path: string): Generator<FieldError> {
  if (typeof value === 'string') {
    if (!isStorable(value)) yield { path, message: 'Text must be well-formed Unicode without NUL' };
    return;
  }
  if (value === null || typeof value !== 'object') return;
  for (const [key, member] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (!isStorable(key)) yield { path, message: 'Field names must be well-formed Unicode without NUL' };
    yield* unstorable(member, at);
  }
}

/** The body as the schema makes it, defaults filled in; else `invalid-body`, with every error by its path. */
export function validate<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  const errors: FieldError[] = parsed.success
    ? [...unstorable(body, '')]
    : parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  if (parsed.success && errors.length === 0) return parsed.data;
  const named = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  throw new ProblemError('invalid-body', `${named.slice(0, 3).join('; ')}.`, { errors });
}
