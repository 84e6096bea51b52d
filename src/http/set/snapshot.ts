/**
 * `POST /snapshot`.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";
import type { SnapshotMaker } from "../ports/snapshots.ts";
import type { Readiness } from "../ports/status.ts";
import type { BodyReader } from "../server/body.ts";
import { refuseParameters } from "../server/parameters.ts";
import { HttpError } from "../server/problem.ts";
import type { Handler } from "../server/router.ts";
import type { SnapshotAnswer } from "./snapshot_openapi.ts";

/**
 * The snapshot goes on if the client leaves: others may wait for the same one.
 *
 * @param replica Whose state is kept.
 * @param maker Makes a snapshot of it.
 * @param bodies Reads the body, which must be empty.
 * @returns A handler that makes a snapshot now, and answers once it was read
 * back whole.
 */
export function snapshot(
  replica: Pick<Readiness, "state" | "reason">,
  maker: SnapshotMaker,
  bodies: BodyReader,
): Handler {
  return async (request, query) => {
    refuseParameters(query, "A snapshot");
    if ((await bodies.read(request)).length > 0) {
      throw new HttpError(400, "A snapshot takes no body: leave it out");
    }
    if (replica.state === "draining") {
      throw new UnavailableError(
        `No snapshot was made: this replica is stopping (${replica.reason}); ask another one, or this one when it has started again`,
      );
    }
    const { sequence, rows, bytes } = await maker.make();
    const answer: SnapshotAnswer = { sequence, rows, bytes };
    return Response.json(answer);
  };
}
