/**
 * A client of the service. It needs `fetch` and streams alone, so that Deno,
 * Node.js from 20 on and browsers run it.
 *
 * @example
 * ```ts
 * import { UserGradeClient } from "./src/client/mod.ts";
 *
 * const client = new UserGradeClient({
 *   setUrl: "http://127.0.0.1:8080",
 *   getUrl: "http://127.0.0.1:8081",
 *   user: "admin",
 *   password: "secret",
 * });
 * await client.set({ user_id: "ann", spp: 5 });
 * console.log(await client.get("ann"));
 * ```
 *
 * @module
 */
export { UserGradeClient } from "./user_grade_client.ts";
export type { CallOptions, ClientOptions } from "./user_grade_client.ts";
export {
  OutcomeUnknownError,
  RefusedError,
  UnavailableError,
  UserGradeError,
  WatchEndedError,
} from "./errors.ts";
export type { Answer, Problem } from "./errors.ts";
export { Watch } from "./watch.ts";
export type { WatchOptions } from "./watch.ts";
export type {
  Backup,
  Deleted,
  Imported,
  UserGrade,
  UserGradePatch,
  WatchedChange,
} from "./user_grade.ts";
