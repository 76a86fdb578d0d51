/** The API's description, OpenAPI 3.1, from the table it is routed by and the schemas it is validated with. */
import * as z from 'zod';
import * as documents from '../rules/documents.ts';
import { listParameters } from '../rules/list.ts';
import { PROBLEMS } from '../rules/problems.ts';
import { API } from '../rules/resources.ts';
import * as feed from './feed/schemas.ts';
import { EXAMPLES } from './openapi-examples.ts';
import { DOCUMENTS, ROUTES, type Route } from './routes.ts';

type Part = Record<string, unknown>;

const SCHEMAS = new Map<string, z.ZodType>(
  Object.entries({ ...documents, ...feed }).flatMap(([name, value]) =>
    value instanceof z.ZodType ? [[name, value]] : [],
  ),
);
const NAMES = new Map([...SCHEMAS].map(([name, schema]) => [schema, name]));

/** The whole document, as JSON. */
export function openApi() {
  const paths: Record<string, Part> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  paths[`${API}/changes/live`] = { get: LIVE };
  return {
    openapi: '3.1.0',
    info: { title: 'Inventory app', version: '1', description: 'Purchases, sales and stock of a chain of stores.' },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: "A user's token, or an edge's credential." },
      },
      parameters: PARAMETERS,
      responses: { Problem: { description: problemText(), content: PROBLEM_CONTENT } },
      schemas: schemas(),
    },
  };
}

/** What is answered is described as it leaves, what is sent as it may come: with defaults left out. */
function schemas(): Part {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of SCHEMAS) registry.add(schema, { id: name });
  const uri = (name: string) => `#/components/schemas/${name}`;
  const answered = z.toJSONSchema(registry, { io: 'output', uri }).schemas;
  const sent = z.toJSONSchema(registry, { io: 'input', uri }).schemas;
  const described = [...SCHEMAS.keys()].map((name) => {
    const { $id: _id, $schema: _schema, ...schema } = (/(?:Create|Edit)$/.test(name) ? sent : answered)[name] ?? {};
    return [name, schema];
  });
  return Object.fromEntries(described) as Part;
}

const operationId = ({ purpose, resource }: Route) => `${purpose}${resource === undefined ? '' : `-${resource}`}`;

function operation(route: Route): Part {
  const { method, purpose, resource, path, body } = route;
  const write = method !== 'GET' && purpose !== 'session' && purpose !== 'start';
  const parameters = [
    ...(path.includes(':id') ? [ref('parameters', 'id')] : []),
    ...(purpose === 'list' && resource !== undefined ? listParameters(resource).map(queryParameter) : []),
    ...(purpose === 'changes' ? ['after', 'limit', 'store'].map(queryParameter) : []),
    ...(purpose === 'snapshot' ? ['after', 'limit', 'digest'].map(queryParameter) : []),
    ...(purpose === 'gaps' ? [{ ...queryParameter('storeId'), required: true }, queryParameter('till')] : []),
    ...(purpose === 'standings' ? ['users'].map(queryParameter) : []),
    ...(purpose === 'list' || purpose === 'item' ? [ref('parameters', 'IfNoneMatch')] : []),
    ...(purpose === 'edit' || purpose === 'delete' ? [ref('parameters', 'IfMatch')] : []),
    ...(write ? [ref('parameters', 'IdempotencyKey'), ref('parameters', 'OnBehalfOf')] : []),
  ];
  const open = purpose === 'health' || purpose === 'keys' || purpose === 'session';
  return {
    operationId: operationId(route),
    tags: [resource ?? purpose],
    ...(open && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: purpose !== 'delete',
        content: json(schemaOf(body), EXAMPLES[operationId(route)]?.request),
      },
    }),
    responses: { ...answers(route), default: ref('responses', 'Problem') },
  };
}

function answers(route: Route): Part {
  const { purpose, resource } = route;
  const example = EXAMPLES[operationId(route)]?.answer;
  const doc = resource === undefined ? {} : schemaOf(DOCUMENTS[resource]);
  const unchanged = { 304: { description: 'The caller has it already.' } };
  switch (purpose) {
    case 'list':
      return { 200: { description: 'A page.', headers: ETAG, content: json(pageOf(doc)) }, ...unchanged };
    case 'snapshot':
      return { 200: { description: 'A page of all documents, by id; or its digest.', content: json(snapshotOf(doc)) } };
    case 'item':
      return { 200: { description: 'The document.', headers: ETAG, content: json(doc) }, ...unchanged };
    case 'create':
      return { 201: { description: 'Created.', headers: { ...ETAG, Location: HEADER }, content: json(doc, example) } };
    case 'edit':
      return { 200: { description: 'The document after the edit.', headers: ETAG, content: json(doc) } };
    case 'delete':
      return { 204: { description: 'Deleted.' } };
    case 'session':
      return { 200: { description: 'Signed in.', content: json(ref('schemas', 'Session')) } };
    case 'standings':
      return {
        200: {
          description: 'Those who may act in the store of the edge that asks.',
          content: json(ref('schemas', 'Standings')),
        },
      };
    case 'gaps':
      return {
        200: {
          description: 'The numbers of receipts of a store that have not arrived, by till and generation.',
          content: json(ref('schemas', 'NumberGaps'), example),
        },
      };
    case 'start':
      return {
        200: { description: 'How this start of an edge stands.', content: json(ref('schemas', 'EdgeStanding')) },
      };
    case 'changes':
      return { 200: { description: 'What has changed since `after`.', content: json(ref('schemas', 'ChangePage')) } };
    case 'health':
      return { 200: { description: 'Well.', content: json({ type: 'object' }) } };
    case 'keys':
      return { 200: { description: 'The JWK Set that verifies tokens.', content: json({ type: 'object' }) } };
  }
}

const ref = (kind: 'schemas' | 'parameters' | 'responses', name: string): Part => ({
  $ref: `#/components/${kind}/${name}`,
});
const json = (schema: Part, example?: object): Part => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});
const HEADER = { schema: { type: 'string' } };
const ETAG = { ETag: HEADER };
const PROBLEM_CONTENT = { 'application/problem+json': { schema: ref('schemas', 'Problem') } };

function schemaOf(schema: z.ZodType): Part {
  const name = NAMES.get(schema);
  if (name === undefined) throw new TypeError('a route has a schema that rules/documents.ts does not export');
  return ref('schemas', name);
}

function pageOf(doc: Part): Part {
  const page = { next: { type: ['string', 'null'] }, total: { type: 'integer', minimum: 0 } };
  return {
    type: 'object',
    required: ['data', 'page'],
    properties: {
      data: { type: 'array', items: doc },
      page: { type: 'object', required: ['next', 'total'], properties: page },
    },
  };
}

function snapshotOf(doc: Part): Part {
  return {
    type: 'object',
    required: ['page'],
    properties: {
      data: { type: 'array', items: doc },
      digest: { type: 'string', description: 'With `digest=true`: the number of documents and a SHA-256 of them.' },
      through: { type: ['string', 'null'], description: "With `digest=true`: the last document's id." },
      page: { type: 'object', required: ['next'], properties: { next: { type: ['string', 'null'] } } },
    },
  };
}

const QUERY_TEXTS: Readonly<Record<string, string>> = {
  q: 'Words, each of which must occur.',
  sort: 'A field; `-` before it: descending.',
  after: 'Where the last page ended.',
  limit: 'How many at the most.',
  ids: 'At most 100 ids, separated by commas.',
  digest: '`true`: no documents, but their digest.',
  users: 'At most 200 ids of users, separated by commas.',
  storeId: 'A store, S001.',
  till: 'One till of it, T2.',
  store: 'Whose subset; needed by those who work in no store.',
};

function queryParameter(name: string): Part {
  const description = QUERY_TEXTS[name];
  const schema = { type: name === 'limit' ? 'integer' : 'string' };
  return { name, in: 'query', schema, ...(description !== undefined && { description }) };
}

const header = (name: string, description: string, schema: Part = { type: 'string' }): Part => ({
  name,
  in: 'header',
  description,
  schema,
});

const PARAMETERS = {
  id: { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
  IfNoneMatch: header('If-None-Match', 'The ETag that the caller has.'),
  IfMatch: header('If-Match', 'The ETag that the document must still have.'),
  IdempotencyKey: header(
    'Idempotency-Key',
    'A repeat under the same key gets the answer of the first. Kept for 90 days, for the acting user.',
    { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
  ),
  OnBehalfOf: header('On-Behalf-Of', 'The id of the acting user; from an edge only.'),
} satisfies Record<string, Part>;

const LIVE = {
  operationId: 'changes-live',
  tags: ['changes'],
  description: 'The same pages as server-sent events named `changes`; positions while nothing happens.',
  parameters: [...['after', 'store'].map(queryParameter), header('Last-Event-ID', 'Wins over `after`.')],
  responses: {
    200: { description: 'Events.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
    default: ref('responses', 'Problem'),
  },
};

/** All codes, so that a client's author finds them in one place. */
function problemText(): string {
  const lines = Object.entries(PROBLEMS).map(([code, { status, title }]) => `- \`${code}\` (${status}): ${title}`);
  return `RFC 9457 problem details. Codes:\n\n${lines.join('\n')}`;
}
