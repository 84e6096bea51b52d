/**
 * The probes of both listeners: `GET /healthz` and `GET /readyz`.
 *
 * @module
 */
import type { Readiness } from "../ports/status.ts";
import type { HealthAnswer, ReadinessAnswer } from "./probes_openapi.ts";
import { getAndHead, type Handler } from "./router.ts";

/**
 * @param replica What is probed.
 * @param isReady Whether this listener can do its work.
 * @param refusal Why it must get no requests, even if the replica could answer;
 * undefined if it may.
 * @returns The routes `/healthz` and `/readyz`.
 */
export function probes(
  replica: Readiness,
  isReady: () => boolean,
  refusal: () => string | undefined,
): Record<string, Handler> {
  const health: HealthAnswer = { status: "ok" };
  const healthz = () => Response.json(health);
  const readyz = () => {
    const refused = refusal();
    return Response.json(
      readiness(replica, refused),
      { status: refused === undefined && isReady() ? 200 : 503 },
    );
  };
  return { "/healthz": getAndHead(healthz), "/readyz": getAndHead(readyz) };
}

function readiness(
  { state, reason, restoreProgress }: Readiness,
  refused: string | undefined,
): ReadinessAnswer {
  return {
    state,
    reason: refused ?? reason,
    ...(restoreProgress && {
      rows: restoreProgress.rows,
      percent: restoreProgress.percent,
    }),
  };
}
