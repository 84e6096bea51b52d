/**
 * What a process takes of the machine, as the system tells it (Linux).
 *
 * @module
 */

/** @returns The memory of a process that is in use, in MB. */
export function residentMb(pid: number): number {
  return Number(output("ps", "-o", "rss=", "-p", String(pid))) / 1024;
}

/** @returns The most memory that a process has had in use so far, in MB. */
export function peakMb(pid: number): number {
  const said = output("grep", "VmHWM", `/proc/${pid}/status`);
  return Number(/\d+/.exec(said)![0]) / 1024;
}

/** @returns How many files and sockets a process has open. */
export function openDescriptors(pid: number): number {
  return output("ls", `/proc/${pid}/fd`).split("\n").length;
}

function output(command: string, ...args: string[]): string {
  const { stdout } = new Deno.Command(command, { args }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}
