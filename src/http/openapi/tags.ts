/**
 * The groups of operations. Generators make a class of each; a group is of one
 * listener, so that one class needs one URL.
 *
 * @module
 */

/** The names of the groups. */
export type Tag = "changes" | "users" | "backups" | "replica" | "probes";

const DESCRIPTIONS: Readonly<Record<Tag, string>> = {
  changes: "Set, delete and find users, at the set listener.",
  users:
    "Get and watch users, at the get listener; at the set listener too, with the password.",
  backups: "Back up, import and make snapshots, at the set listener.",
  replica: "What this replica and the others do, at the get listener.",
  probes: "Whether a listener works, at both.",
};

/** The groups, as the document lists them. */
export const TAGS = Object.entries(DESCRIPTIONS).map(([name, description]) => ({
  name,
  description,
}));
