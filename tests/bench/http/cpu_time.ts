/**
 * How much processor time a process has used.
 *
 * @module
 */
import { output } from "./command.ts";
import type { Figures } from "./figures.ts";

/** Linux tells processor time in this unit, whatever the kernel's own is. */
const TICK_US = 10_000;

/**
 * @param pid The process that is measured.
 * @param measure Measures it.
 * @returns The figures with the process' time for each answer, where it is told.
 */
export async function withCpuTime(
  pid: number,
  measure: () => Promise<Figures>,
): Promise<Figures> {
  const before = await cpuTime_us(pid);
  const figures = await measure();
  const after = await cpuTime_us(pid);
  return before === undefined || after === undefined
    ? figures
    : { ...figures, cpu_us: (after - before) / figures.answers };
}

/**
 * @param pid The process.
 * @returns The microseconds that its threads have run, in user and kernel
 * mode; undefined where Linux' `/proc` is not there.
 */
export async function cpuTime_us(pid: number): Promise<number | undefined> {
  let said: string | undefined;
  try {
    // Deno itself may not read there.
    said = await output(["cat", `/proc/${pid}/stat`]);
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets, with anything in it.
  const fields = said?.slice(said.lastIndexOf(")") + 2).split(" ");
  return fields && (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
