/**
 * What the load consists of: the same users and numbers for every side.
 *
 * @module
 */
import type { UserGrade } from "../../../src/user_grade.ts";
import { Random } from "../../support/random.ts";

/** How many users are got and set, in turn. */
export const USERS = 4096;

/** What is asked of a side. */
export type Operation = "get" | "set";

/** How it is asked for over HTTP. */
export type RequestKind = Operation | "webdis get";

/** The key of a user in Redis, as `redis-benchmark -r` names them. */
export function redisKey(index: number): string {
  return `key:${String(index).padStart(12, "0")}`;
}

/** One HTTP request, all but its headers. */
export interface LoadRequest {
  readonly method: "GET" | "POST";
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

/** @returns A request for each user of {@linkcode grades}. */
export function requests(
  kind: RequestKind,
  population?: number,
): LoadRequest[] {
  return grades(population).map((grade, index) => {
    switch (kind) {
      case "get":
        return { method: "GET", path: `/get?user_id=${grade.user_id}` };
      case "set":
        return { method: "POST", path: "/set", body: JSON.stringify(grade) };
      case "webdis get":
        return { method: "GET", path: `/GET/${redisKey(index)}` };
    }
  });
}
