/**
 * What replicas have in the end.
 *
 * @module
 */
import type { ServiceProcess } from "../support/service_process.ts";
import { USERS } from "./clients.ts";
import type { FinalState } from "./history.ts";

/** @returns What a replica has; it must be ready. */
export async function finalState(
  replica: number,
  service: ServiceProcess,
): Promise<FinalState> {
  const users: FinalState["users"] = new Map(
    await Promise.all(USERS.map(async (user) => {
      const got = await service.get(`/get?user_id=${encodeURIComponent(user)}`);
      const body = await got.json();
      return [user, got.status === 404 ? undefined : body] as const;
    })),
  );
  const { log, digest } = await service.statusJson();
  return { replica, sequence: log.applied_sequence, digest, users };
}
