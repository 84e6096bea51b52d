/**
 * The probes of both listeners.
 *
 * @module
 */
import type { Replica } from "../replica/replica.ts";
import { type Handler, methods } from "./router.ts";

/**
 * @param replica What is probed.
 * @param isReady Whether this listener can do its work.
 * @returns The routes `/healthz` and `/readyz`.
 */
export function probes(
  replica: Replica,
  isReady: () => boolean,
): Record<string, Handler> {
  const healthz: Handler = () => Response.json({ status: "ok" });
  const readyz: Handler = () =>
    Response.json(
      {
        state: replica.state,
        reason: replica.reason,
        ...(replica.restoreProgress && {
          rows: replica.restoreProgress.rows,
          percent: replica.restoreProgress.percent,
        }),
      },
      { status: isReady() ? 200 : 503 },
    );
  return {
    "/healthz": methods({ GET: healthz, HEAD: healthz }),
    "/readyz": methods({ GET: readyz, HEAD: readyz }),
  };
}
