/**
 * The permissions at NATS that OPERATIONS.md lists.
 *
 * @module
 */

/** What healing needs besides, and making stream and bucket. */
export const HEALING_SUBJECTS = [
  "usergrade.v2.set.$heal",
  "$JS.API.STREAM.CREATE.USERGRADE",
  "$JS.API.STREAM.UPDATE.USERGRADE",
  "$JS.API.STREAM.CREATE.OBJ_USERGRADE-snapshots",
] as const;

/**
 * @param replicaId Whose user it is.
 * @param more What the user may publish to besides what a replica needs where
 * stream and bucket are there.
 * @returns A user's permissions, as a server's configuration takes them.
 */
export function leastPrivileges(
  replicaId: string,
  more: readonly string[] = [],
): string {
  return `permissions {
    publish: [
      "usergrade.v1.set.${replicaId}"
      "usergrade.v2.set.${replicaId}"
      "usergrade-replicas.${replicaId}"
      "$JS.API.STREAM.INFO.USERGRADE"
      "$JS.API.STREAM.MSG.GET.USERGRADE"
      "$JS.API.CONSUMER.CREATE.USERGRADE"
      "$JS.FC.USERGRADE.>"
      "$JS.API.STREAM.PURGE.USERGRADE"
      "$JS.API.STREAM.INFO.OBJ_USERGRADE-snapshots"
      "$JS.API.STREAM.MSG.GET.OBJ_USERGRADE-snapshots"
      "$JS.API.STREAM.PURGE.OBJ_USERGRADE-snapshots"
      "$O.USERGRADE-snapshots.>"
${more.map((subject) => `      "${subject}"`).join("\n")}
    ]
    subscribe: ["_INBOX.usergrade.${replicaId}.>", "usergrade-replicas.*"]
  }`;
}
