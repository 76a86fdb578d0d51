/** Edits, creations and deletions: what asks for something, and can be refused when the cloud hears of it. */
import type * as z from 'zod';
import type { Doc, Entry, Fix, Reader, Req, Write, Writer } from '@larder/sync/profile';
import { createdAnswer, deletedAnswer, editedAnswer, problemAnswer } from '../rules/answers.ts';
import {
  CategoryCreate,
  CustomerCreate,
  CustomerEdit,
  ProductCreate,
  ProductDelete,
  ProductEdit,
} from '../rules/documents.ts';
import { mergeEdit } from '../rules/edit.ts';
import { canonical, etagOf, matchHolds } from '../rules/etag.ts';
import { ProblemError } from '../rules/problems.ts';
import { API } from '../rules/resources.ts';
import { assertMayWrite, isGlobal, visible } from '../rules/rights.ts';
import { validate } from '../rules/validate.ts';
import { renewed } from './conflict.ts';
import { refusing } from './refusing.ts';
import { actorOf, assertServed, type StaffUser } from './user.ts';

type Created = 'categories' | 'products' | 'customers';
type Edited = 'products' | 'customers';

const CREATE = { categories: CategoryCreate, products: ProductCreate, customers: CustomerCreate } as const;
const EDIT = { products: ProductEdit, customers: CustomerEdit } as const satisfies Record<Edited, z.ZodType>;
/** The field whose values the cloud keeps different. */
const UNIQUE = { categories: null, products: 'sku', customers: 'code' } as const;
/** The field that names a document which a waiting entry may be about to create (I3). */
const REFERENCE = { categories: 'parentId', products: 'categoryId', customers: null } as const;

const paramOf = (req: Req) => req.params.id ?? '';
const textOf = (value: unknown) => (typeof value === 'string' ? value : null);

/** Looks at the category that a document names, so that an entry waits for the one that creates it. */
function bind(db: Writer, resource: Created, doc: Doc): void {
  const field = REFERENCE[resource];
  const id = field === null ? null : textOf(doc[field]);
  if (id !== null) db.get('categories', id);
}

/** What a document says of others must be so: nobody else has its unique value, and the category it names is there. */
function assertConsistent(db: Reader, resource: Created, doc: Doc): void {
  const unique = UNIQUE[resource];
  const same = unique === null ? [] : db.list(resource, { where: { [unique]: doc[unique] ?? null }, limit: 2 });
  if (unique !== null && same.some(({ id }) => id !== doc.id))
    throw new ProblemError('duplicate', '', { errors: [{ path: unique, message: 'This value is taken' }] });
  const reference = REFERENCE[resource];
  const named = reference === null ? null : textOf(doc[reference]);
  if (reference === null || named === null || db.get('categories', named) !== null) return;
  const message = 'There is no such category';
  throw new ProblemError('invalid-body', `${reference}: ${message}.`, { errors: [{ path: reference, message }] });
}

/** The document as the cloud will make it: with its own times, which the next word from there brings. */
function createdDoc(resource: Created, req: Req, newId: () => string, at: string): Doc {
  const { id, ...fields } = validate(CREATE[resource], req.body);
  const times = resource === 'categories' ? {} : { createdAt: at, updatedAt: at };
  return { ...fields, ...times, id: id ?? newId(), version: 1 };
}

/** The same creation again: a device offers what it may have sent before. */
function isSame(known: Doc, doc: Doc): boolean {
  const { createdAt: _created, updatedAt: _updated, version: _version, ...stated } = doc;
  return Object.entries(stated).every(([field, value]) => canonical(known[field] ?? null) === canonical(value));
}

function checkedCreation(resource: Created, db: Reader, req: Req, user: StaffUser, fix: Fix): Doc {
  assertMayWrite(actorOf(user), `POST ${resource}`);
  const doc = createdDoc(resource, req, fix.id, fix.now);
  assertMayWrite(actorOf(user), `POST ${resource}`, textOf(doc.storeId));
  assertServed(db, user, textOf(doc.storeId));
  const known = db.get(resource, String(doc.id));
  if (known !== null && !isSame(known, doc)) throw new ProblemError('exists');
  assertConsistent(db, resource, doc);
  return { ...(req.body as Doc), id: String(doc.id) };
}

function creation(resource: Created): Write<StaffUser> {
  // `check` has fixed the id.
  const made = (req: Req, entry: Entry) => createdDoc(resource, req, () => entry.key, entry.at);
  return {
    kind: 'proposal',
    check: (db, req, user, fix) => refusing(() => checkedCreation(resource, db, req, user, fix)),
    apply(db, req, entry) {
      const doc = made(req, entry);
      // Already there, by another sending of the same creation.
      if (db.get(resource, String(doc.id)) !== null) return;
      bind(db, resource, doc);
      db.put(resource, doc);
    },
    answer: (_db, req, entry) => createdAnswer(resource, made(req, entry)),
  };
}

/** What an edit comes to; null where nothing changes. */
function edited(current: Doc, edit: Parameters<typeof mergeEdit>[1], at: string): Doc | null {
  const { next, changed } = mergeEdit(current, edit);
  return changed.length === 0 ? null : { ...next, updatedAt: at, version: Number(current.version) + 1 };
}

/** The document that a write names, after rights and preconditions, in the cloud's order. */
function documentToChange(resource: Edited, db: Reader, req: Req, user: StaffUser): Doc {
  assertServed(db, user, null);
  const current = db.get(resource, paramOf(req));
  // An admin may mean another store's document, of which nothing is known here.
  if (current === null && user.role === 'admin' && !isGlobal(resource))
    throw new ProblemError('other-store', `This box serves ${db.store}.`);
  if (current === null || !visible(actorOf(user), resource, current)) throw new ProblemError('not-found');
  if (!matchHolds(req.headers['if-match'], etagOf(current))) throw new ProblemError('precondition-failed');
  return current;
}

function checkedEdit(resource: Edited, db: Reader, req: Req, user: StaffUser, fix: Fix): Doc {
  assertMayWrite(actorOf(user), `PATCH ${resource}`);
  const current = documentToChange(resource, db, req, user);
  const next = edited(current, validate(EDIT[resource], req.body), fix.now);
  if (next !== null) {
    assertMayWrite(actorOf(user), `PATCH ${resource}`, textOf(next.storeId));
    assertServed(db, user, textOf(next.storeId));
    assertConsistent(db, resource, next);
  }
  return withSaw(req.body as Doc, current);
}

/** The edit with the values that its author had before them, so that the cloud can tell who changed what meanwhile. */
function withSaw(body: Doc, current: Doc): Doc {
  const { saw: given, ...fields } = body;
  const stated = (given ?? {}) as Doc;
  const unstated = Object.keys(fields).filter((field) => stated[field] === undefined);
  if (unstated.length === 0) return body;
  const seen = Object.fromEntries(unstated.map((field) => [field, current[field] ?? null]));
  return { ...body, saw: { ...stated, ...seen } };
}

/** A deletion with the values that its author had before them: they would not delete what they have not seen. */
function withSeen(req: Req, current: Doc): Doc {
  const { saw } = req.body === undefined ? {} : validate(ProductDelete, req.body);
  const { saw: _, ...editable } = ProductEdit.shape;
  const seen = Object.fromEntries(Object.keys(editable).map((field) => [field, current[field] ?? null]));
  return { saw: { ...seen, ...(saw as Doc | undefined) } };
}

function editing(resource: Edited): Write<StaffUser> {
  return {
    kind: 'proposal',
    check: (db, req, user, fix) => refusing(() => checkedEdit(resource, db, req, user, fix)),
    renew: renewed,
    apply(db, req, entry) {
      const current = db.get(resource, paramOf(req));
      if (current === null) throw new ProblemError('not-found');
      const next = edited(current, validate(EDIT[resource], req.body), entry.at);
      if (next === null) return;
      bind(db, resource, next);
      db.put(resource, next);
    },
    answer(db, req) {
      const doc = db.get(resource, paramOf(req));
      return doc === null ? problemAnswer(new ProblemError('not-found')) : editedAnswer(doc);
    },
  };
}

const deletingProducts: Write<StaffUser> = {
  kind: 'proposal',
  check: (db, req, user) =>
    refusing(() => {
      assertMayWrite(actorOf(user), 'DELETE products');
      const current = documentToChange('products', db, req, user);
      // A level is there as soon as something moved; what other stores moved, the cloud knows.
      if (db.count('stock-levels', { where: { productId: paramOf(req) } }) > 0) throw new ProblemError('in-use');
      return withSeen(req, current);
    }),
  renew: () => undefined,
  apply: (db, req) => db.remove('products', paramOf(req)),
  answer: () => deletedAnswer(),
};

export const proposalWrites: Record<string, Write<StaffUser>> = {
  [`POST ${API}/categories`]: creation('categories'),
  [`POST ${API}/products`]: creation('products'),
  [`POST ${API}/customers`]: creation('customers'),
  [`PATCH ${API}/products/:id`]: editing('products'),
  [`PATCH ${API}/customers/:id`]: editing('customers'),
  [`DELETE ${API}/products/:id`]: deletingProducts,
};
