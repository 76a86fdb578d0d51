/** better-sqlite3 comes without types; this is the part of it that is used here. */
declare module 'better-sqlite3' {
  export type Value = string | number | bigint | null;
  /** Prisma's adapter passes them on; none is used here. */
  export type Options = object;
  export interface Statement {
    readonly reader: boolean;
    run(...values: (Value | Record<string, Value>)[]): { changes: number };
    all(...values: (Value | Record<string, Value>)[]): unknown[];
  }
  export default class Database {
    constructor(path: string);
    prepare(sql: string): Statement;
    exec(script: string): this;
    close(): this;
  }
}
