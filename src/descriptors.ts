/**
 * How many files and sockets the process may open.
 *
 * @module
 */
import { devNull } from "node:os";

/** With fewer, the service can't answer; it needs some 40 for itself. */
const DESCRIPTORS_MIN = 128;

/** With fewer, some clients at once are enough to use them up. */
const DESCRIPTORS_ADVISED = 512;

/** What the limit on descriptors means for the service. */
export interface DescriptorLimit {
  readonly severity: "fatal" | "warning";
  /** What is wrong and what to do. */
  readonly message: string;
}

/**
 * @param free How many more files can be opened, as far as they were counted.
 * @returns What is wrong with that; undefined if nothing is.
 */
export function judgeDescriptors(free: number): DescriptorLimit | undefined {
  if (free >= DESCRIPTORS_ADVISED) return undefined;
  const isTooLow = free < DESCRIPTORS_MIN;
  const [need, verb] = isTooLow
    ? [DESCRIPTORS_MIN, "needs"]
    : [DESCRIPTORS_ADVISED, "should have"];
  return {
    severity: isTooLow ? "fatal" : "warning",
    message:
      `Only ${free} files and sockets can be opened, and the service ${verb} ${need}: raise the limit (ulimit -n; systemd: LimitNOFILE=)`,
  };
}

/**
 * Counts by opening them, some milliseconds at most: what the system says of
 * its limits only a process with all permissions may read.
 *
 * @returns How many more files can be opened, counted as far as
 * {@linkcode judgeDescriptors} needs.
 */
export function countFreeDescriptors(): number {
  const opened: Deno.FsFile[] = [];
  try {
    while (opened.length < DESCRIPTORS_ADVISED) {
      opened.push(Deno.openSync(devNull));
    }
  } catch {
    // There is not one more.
  }
  for (const file of opened) file.close();
  return opened.length;
}
