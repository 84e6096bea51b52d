/**
 * The probes of both listeners.
 *
 * @module
 */
import type { ReplicaView } from "../../replica/replica_view.ts";
import { type Handler, methods } from "./router.ts";

/**
 * @param replica What is probed.
 * @param isReady Whether this listener can do its work.
 * @param refusal Why it must get no requests, whatever the replica can do.
 * @returns The routes `/healthz` and `/readyz`.
 */
export function probes(
  replica: ReplicaView,
  isReady: () => boolean,
  refusal: () => string | undefined,
): Record<string, Handler> {
  const healthz: Handler = () => Response.json({ status: "ok" });
  const readyz: Handler = () => {
    const refused = refusal();
    return Response.json(
      {
        state: replica.state,
        reason: refused ?? replica.reason,
        ...(replica.restoreProgress && {
          rows: replica.restoreProgress.rows,
          percent: replica.restoreProgress.percent,
        }),
      },
      { status: refused === undefined && isReady() ? 200 : 503 },
    );
  };
  return {
    "/healthz": methods({ GET: healthz, HEAD: healthz }),
    "/readyz": methods({ GET: readyz, HEAD: readyz }),
  };
}
