/** One request from a client and what the edge has found out about it; made by server.ts, passed down the main path. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Doc, Read, User, Write } from '@larder/sync/profile';
import type { Http2Request } from './http2/request.ts';
import type { Http2Response } from './http2/response.ts';
import type { Caller } from './identity/caller.ts';

/** Over HTTP/1.1 node's own, over HTTP/2 ours: what is written for one serves both. */
export type ClientRequest = IncomingMessage | Http2Request;
export type ClientResponse = ServerResponse | Http2Response;

export interface Exchange {
  request: ClientRequest;
  response: ClientResponse;
  method: string;
  /** Without query; origin form, already checked. */
  path: string;
  /** With its `?`, or empty. */
  search: string;
  /** Who calls and what they may do now, verified; or null. */
  caller: Caller | null;
  /** The caller's claims. */
  claims: Doc | null;
  user: User | null;
  /** Whose eyes the answer is for: equal scopes may share answers (I8). Empty: everybody. */
  scope: string;
  params: Record<string, string>;
  /** What the profile says of the route; null where it does not list it. */
  read: Read<User> | null;
  write: Write<User> | null;
}
