/**
 * What `/snapshot` answers.
 *
 * @module
 */
import * as z from "zod";
import {
  GUARDS,
  json,
  type PathItem,
  problem,
  SECURITY,
  unavailable,
} from "../openapi/responses.ts";
import { count, sequence, ValidationProblem } from "../openapi/schemas.ts";

const Snapshot = z.strictObject({
  sequence,
  rows: count,
  bytes: count.meta({ description: "Its size where it is kept." }),
}).meta({ id: "Snapshot" });

/** A snapshot that was made. */
export type SnapshotAnswer = z.infer<typeof Snapshot>;

/** The path `/snapshot`. */
export const SNAPSHOT_PATH: PathItem = {
  post: {
    operationId: "makeSnapshot",
    summary:
      "Makes a snapshot now, before an upgrade for example; it has no body",
    description:
      "The whole state is written beside the log or into SNAPSHOT_DIR, and read back before the answer comes.",
    tags: ["backups"],
    security: SECURITY,
    responses: {
      "200": json("The snapshot is stored and was read back whole", Snapshot, {
        example: { sequence: 120, rows: 100_000, bytes: 1_100_000 },
      }),
      "400": problem(
        "The request has a body or a parameter: nothing was done",
        ValidationProblem,
      ),
      ...GUARDS,
      "408": problem("The body did not arrive within 10 s"),
      "413": problem("The body is longer than MAX_BODY_BYTES"),
      "503": unavailable(
        "No snapshot was made: there is no place for it, the replica is not ready, or writing failed; `detail` has the cause and the remedy",
      ),
    },
  },
};
