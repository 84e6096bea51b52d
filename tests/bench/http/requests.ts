/**
 * What the load consists of: the same users and numbers for every side.
 *
 * @module
 */
import type { UserGrade } from "../../../src/user_grade.ts";
import { Random } from "../../support/random.ts";

/** How many users are got and set, in turn. */
export const USERS = 4096;

/** How many records a request of many has. */
const MANY_RECORDS = 100;

/** What is asked of a side. */
export type Operation = "get" | "set" | "get of 100" | "set of 100";

/** The listener that an operation is asked of. */
export function listenerOf(operation: Operation): "get" | "set" {
  return operation.startsWith("get") ? "get" : "set";
}

/** How many records an answer has. */
export function recordsOf(operation: Operation): number {
  return operation === "get" || operation === "set" ? 1 : MANY_RECORDS;
}

/** How it is asked for over HTTP. */
export type RequestKind =
  | Operation
  | "webdis get"
  | "webdis set"
  | "etcd get"
  | "etcd set";

/** The key of a user in Redis, as `redis-benchmark -r` names them. */
function redisKey(index: number): string {
  return `key:${String(index).padStart(12, "0")}`;
}

/** One HTTP request, all but its headers. */
export interface LoadRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: string;
}

/**
 * @param population Draws the users at random from `user-0` up to so many;
 * otherwise they are the same few thousand on every side.
 * @returns A whole record for each user.
 */
export function grades(population?: number): UserGrade[] {
  const random = new Random(1);
  return Array.from({ length: USERS }, (_, index) => ({
    user_id: population === undefined
      ? `user-${String(index).padStart(6, "0")}`
      : `user-${random.below(population)}`,
    postpaid_limit: random.below(100_000),
    spp: random.below(100),
    shipping_fee: random.below(1_000),
    return_fee: random.below(1_000),
  }));
}

/** @returns Requests for every user of {@linkcode grades}. */
export function requests(
  kind: RequestKind,
  population?: number,
): LoadRequest[] {
  const users = grades(population);
  if (kind === "get of 100" || kind === "set of 100") {
    return manyRequests(kind, users);
  }
  return users.map((grade, index) => {
    switch (kind) {
      case "get":
        return { method: "GET", path: `/get?user_id=${grade.user_id}` };
      case "set":
        return { method: "POST", path: "/set", body: JSON.stringify(grade) };
      case "webdis get":
        return { method: "GET", path: `/GET/${redisKey(index)}` };
      case "webdis set":
        return {
          method: "PUT",
          path: `/SET/${redisKey(index)}`,
          body: JSON.stringify(grade),
        };
      case "etcd get":
        return {
          method: "POST",
          path: "/v3/kv/range",
          body: JSON.stringify({ key: btoa(grade.user_id) }),
        };
      case "etcd set":
        return { method: "POST", path: "/v3/kv/put", body: etcdPut(grade) };
    }
  });
}

/** The body that stores a record in etcd. */
export function etcdPut(grade: UserGrade): string {
  const value = btoa(JSON.stringify(grade));
  return JSON.stringify({ key: btoa(grade.user_id), value });
}

function manyRequests(
  kind: "get of 100" | "set of 100",
  users: readonly UserGrade[],
): LoadRequest[] {
  const path = `/${listenerOf(kind)}`;
  const requests: LoadRequest[] = [];
  for (let at = 0; at + MANY_RECORDS <= users.length; at += MANY_RECORDS) {
    const some = users.slice(at, at + MANY_RECORDS);
    const sent = path === "/get" ? some.map(({ user_id }) => user_id) : some;
    requests.push({ method: "POST", path, body: JSON.stringify(sent) });
  }
  return requests;
}
