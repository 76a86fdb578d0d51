/** Route tables: `GET /api/v1/products/:id`, compiled once, looked up by walking the path's segments. */

export interface RouteMatch<T> {
  /** The key it was declared under. */
  name: string;
  value: T;
  /** Percent-decoded. */
  params: Record<string, string>;
}

export interface Routes<T> {
  match(method: string, path: string): RouteMatch<T> | null;
}

interface Node<T> {
  fixed: Map<string, Node<T>>;
  param: { name: string; node: Node<T> } | null;
  leaf: Map<string, { name: string; value: T }>;
}

const newNode = <T>(): Node<T> => ({ fixed: new Map(), param: null, leaf: new Map() });

/**
 * Compiles a table whose keys are `METHOD /path/:param`. Fixed segments win over parameters; a parameter never matches
 * an empty segment; a segment that does not percent-decode matches nothing.
 */
export function compileRoutes<T>(table: Record<string, T>): Routes<T> {
  const root = newNode<T>();
  for (const [name, value] of Object.entries(table)) {
    const [method, pattern] = name.split(' ');
    if (method === undefined || pattern === undefined || !pattern.startsWith('/'))
      throw new TypeError(`"${name}" is not of the form "METHOD /path"`);
    insert(root, pattern.slice(1).split('/'), name).leaf.set(method, { name, value });
  }
  const isEmpty = Object.keys(table).length === 0;
  return {
    match(method, path) {
      // A plain proxy has no routes, and asks for each request.
      if (isEmpty) return null;
      const params: Record<string, string> = {};
      const found = walk(root, path.slice(1).split('/'), 0, method, params);
      return found === null ? null : { ...found, params };
    },
  };
}

function insert<T>(root: Node<T>, segments: string[], route: string): Node<T> {
  let node = root;
  for (const segment of segments) {
    if (!segment.startsWith(':')) {
      let next = node.fixed.get(segment);
      if (next === undefined) node.fixed.set(segment, (next = newNode()));
      node = next;
      continue;
    }
    const name = segment.slice(1);
    node.param ??= { name, node: newNode() };
    if (node.param.name !== name) throw new TypeError(`"${route}" names :${node.param.name} differently`);
    node = node.param.node;
  }
  return node;
}

function walk<T>(
  node: Node<T>,
  segments: string[],
  at: number,
  method: string,
  params: Record<string, string>,
): { name: string; value: T } | null {
  const segment = segments[at];
  if (segment === undefined) return node.leaf.get(method) ?? null;
  const fixed = node.fixed.get(segment);
  if (fixed !== undefined) {
    const found = walk(fixed, segments, at + 1, method, params);
    if (found !== null) return found;
  }
  if (node.param === null || segment === '') return null;
  const decoded = decode(segment);
  if (decoded === null) return null;
  const found = walk(node.param.node, segments, at + 1, method, params);
  if (found !== null) params[node.param.name] = decoded;
  return found;
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
