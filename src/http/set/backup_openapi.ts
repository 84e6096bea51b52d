/**
 * What `/backup` answers.
 *
 * @module
 */
import * as z from "zod";
import { PREFER_FAST } from "../../snapshot/format/compression.ts";
import {
  GUARDS,
  type PathItem,
  SECURITY,
  unavailable,
} from "../openapi/responses.ts";
import { file, LogSequence } from "../openapi/schemas.ts";

const BACKUP_NAME =
  /^attachment; filename="usergrades-\d{8}T\d{6}Z-\d+\.csv\.gz"$/;

/** The path `/backup`. */
export const BACKUP_PATH: PathItem = {
  get: {
    operationId: "getBackup",
    summary: "The state at one sequence, as csv.gz",
    description:
      "Exactly the state after the entry Log-Sequence, however long the download takes. Programs that read gzip and CSV open it, `POST /import` takes it, and the file names its own time, sequence, rows and digest. Its type is application/gzip, or application/octet-stream if Accept is that. A download that takes no byte for 60 s is cut.",
    tags: ["backups"],
    security: SECURITY,
    requestParams: {
      header: z.object({
        prefer: z.string().optional().meta({
          description:
            "`compression=fast` makes the file in half the time, with 1.1 times as many bytes. Replicas ask each other so.",
          examples: [PREFER_FAST],
        }),
      }),
    },
    responses: {
      "200": {
        description: "A gzip file of a CSV file",
        headers: z.object({
          "content-disposition": z.string().regex(BACKUP_NAME),
          "last-modified": z.string().meta({
            description: "When it was made.",
          }),
          "log-sequence": LogSequence,
          "backup-info": z.string().meta({
            description:
              "What the file says about itself, in JSON: log_id, sequence, sequence_time, rows, digest. HEAD has it too, without the file.",
          }),
          "preference-applied": z.literal(PREFER_FAST).optional().meta({
            description: "Only if it was preferred.",
          }),
        }),
        content: {
          "application/gzip": { schema: file },
          // Generators that know no gzip take this one.
          "application/octet-stream": { schema: file },
        },
      },
      ...GUARDS,
      "503": unavailable("Not ready, or too many backups are under way"),
    },
  },
};
