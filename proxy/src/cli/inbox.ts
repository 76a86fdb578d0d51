/** `larder inbox`: lists, shows and deals with changes that need a person. */
import { readFileSync } from 'node:fs';
import { LarderError } from '@larder/sync/errors';
import type { InboxDetail, InboxDone, InboxItem, InboxPage } from '@larder/sync/inbox';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, OPERATOR_HELP, OPERATOR_OPTIONS, operatorToken } from './remote.ts';

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  kind: { type: 'string' },
  user: { type: 'string' },
  route: { type: 'string' },
  settled: { type: 'boolean', default: false },
  after: { type: 'string' },
  limit: { type: 'string' },
  body: { type: 'string' },
  dependants: { type: 'boolean', default: false },
  id: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];
type Ask = <T>(method: 'GET' | 'POST', path: string, body?: unknown) => Promise<T>;
/** One action of the command; its answer, and the same in words. */
type Action = (ask: Ask, values: Values, words: string[]) => Promise<{ answer: unknown; words: string }>;

export const inbox: Command = {
  help: () =>
    [
      'Usage: larder inbox list [options]',
      '       larder inbox show|retry|discard <number> [options]',
      '       larder inbox decide <number> applied|not-applied [options]',
      '',
      'What was refused, what conflicts with somebody else’s change, and what may have been applied.',
      '`show` says what each choice will do.',
      '',
      columns([
        ['--kind <kind>', 'list: only refused, conflict, orphaned, key-mismatch or unknown.'],
        ['--user <id>, --route <name>', 'list: only this user’s, only this kind of write.'],
        ['--settled', 'list: also what people have dealt with.'],
        ['--after <number>, --limit <count>', 'list: the next page. Default: from the beginning, 50.'],
        ['--body <json>', 'retry: send this instead; @file reads it from a file, - from standard input.'],
        ['--dependants', 'retry, discard: the same for what went to the inbox with it.'],
        ['--id <temporary>=<id>', 'decide: the id that the app gave in place of a temporary one; may be repeated.'],
        ...OPERATOR_HELP,
        ['--json', 'Print the answer as JSON.'],
      ]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [name = '', ...words] = positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined)
      throw new LarderError('LARDER_CONFIG_INVALID', `Say ${Object.keys(ACTIONS).join(', ')}, not "${name}".`);
    const token = operatorToken(values.data);
    const ask: Ask = (method, path, body) =>
      askEdge(values, { method, path, token, ...(body === undefined ? {} : { body }) });
    const { answer, words: said } = await action(ask, values, words);
    process.stdout.write(`${values.json ? JSON.stringify(answer) : said}\n`);
    return 0;
  },
};

const ACTIONS: Record<string, Action> = {
  async list(ask, { kind, user, route, settled, after, limit }, words) {
    noneLeft(words);
    const given = { kind, user, route, after, limit, ...(settled && { settled: 'true' }) };
    const query = Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const page = await ask<InboxPage>('GET', `/_edge/inbox?${new URLSearchParams(query)}`);
    return { answer: page, words: pageWords(page) };
  },
  async show(ask, _values, words) {
    const detail = await ask<InboxDetail>('GET', addressOf(words));
    return { answer: detail, words: detailWords(detail) };
  },
  async retry(ask, { body, dependants }, words) {
    const order = { dependants, ...(body !== undefined && { body: jsonIn(body) }) };
    const done = await ask<InboxDone>('POST', `${addressOf(words)}/retry`, order);
    return { answer: done, words: doneWords(done) };
  },
  async discard(ask, { dependants }, words) {
    const done = await ask<InboxDone>('POST', `${addressOf(words)}/discard`, { dependants });
    return { answer: done, words: doneWords(done) };
  },
  async decide(ask, { id = [] }, [number = '', outcome, ...rest]) {
    noneLeft(rest);
    if (outcome !== 'applied' && outcome !== 'not-applied')
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say whether it was applied or not-applied.');
    const ids = Object.fromEntries(id.map(pairOf));
    // The decision is about the sendings so far.
    const { attempts } = await ask<InboxDetail>('GET', addressOf([number]));
    const order = { applied: outcome === 'applied', attempts, ids };
    const done = await ask<InboxDone>('POST', `${addressOf([number])}/decide`, order);
    const what = outcome === 'applied' ? 'counts as done.' : 'is sent again.';
    return { answer: done, words: `#${done.seq} ${what}` };
  },
};

function addressOf([number = '', ...rest]: string[]): string {
  noneLeft(rest);
  if (/^#?[1-9]\d{0,14}$/.test(number)) return `/_edge/inbox/${number.replace('#', '')}`;
  throw new LarderError('LARDER_CONFIG_INVALID', 'Say which change: the number that `larder inbox list` shows.');
}

function pairOf(text: string): [string, string] {
  const [temporary = '', ...id] = text.split('=');
  if (id.length === 0) throw new LarderError('LARDER_CONFIG_INVALID', '--id takes <temporary>=<id>.');
  return [temporary, id.join('=')];
}

function jsonIn(given: string): unknown {
  try {
    if (given === '-') return JSON.parse(readFileSync(0, 'utf8'));
    return JSON.parse(given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LarderError('LARDER_CONFIG_INVALID', `--body: ${why}.`, { cause: error });
  }
}

const headOf = ({ seq, kind, fact, method, path, user, at }: InboxItem) =>
  `#${seq}  ${kind ?? 'dealt with'}${fact ? ' (a fact)' : ''}  ${method} ${path}  by ${user}  ${at}`;

function pageWords({ data, next }: InboxPage): string {
  if (data.length === 0) return 'Nothing needs a person.';
  const more = next === null ? [] : [`More: larder inbox list --after ${next}`];
  return [...data.map((item) => `${headOf(item)}\n      ${item.reason}`), ...more].join('\n');
}

function detailWords(detail: InboxDetail): string {
  const rows: [string, string][] = [
    ['why', detail.reason],
    ['sent', JSON.stringify(detail.body)],
    ...(detail.answer === null ? [] : ([['answer', answerWords(detail.answer)]] satisfies [string, string][])),
    ...detail.temporaryIds.map((id): [string, string] => ['temporary id', id]),
    ...detail.waiting.map((item): [string, string] => ['went with it', `#${item.seq} ${item.method} ${item.path}`]),
    ...detail.choices.map(({ action, effect }): [string, string] => [action, effect]),
    ...detail.history.map(({ action, who, at }): [string, string] => ['done', `${action} by ${who}, ${at}`]),
  ];
  return `${headOf(detail)}\n${columns(rows)}`;
}

const answerWords = ({ status, body }: NonNullable<InboxDetail['answer']>) => `${status} ${JSON.stringify(body)}`;

function doneWords({ retried, discarded, left }: InboxDone): string {
  return [
    ...retried.map(({ seq, as }) => `#${seq} is tried again as #${as}.`),
    ...discarded.map((seq) => `#${seq} is discarded.`),
    ...left.map(({ seq, why }) => `#${seq} is left: ${why}`),
  ].join('\n');
}
