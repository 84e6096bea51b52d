/**
 * What the figures were had on.
 *
 * @module
 */
import { cpus, loadavg } from "node:os";
import { output } from "./command.ts";

/**
 * To be called before anything is measured: it tells how busy the machine was.
 *
 * @param folder Where the logs are kept.
 * @param natsServer The path of nats-server, if it is here.
 * @returns The date, the processor, the versions, the file system and
 * the load average.
 */
export async function machine(
  folder: string,
  natsServer: string | undefined,
): Promise<Record<string, string>> {
  const nats = natsServer && await output([natsServer, "--version"]);
  const fileSystem = await output(["findmnt", "-no", "FSTYPE", "-T", folder]);
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${processors[0].model.trim()}, ${processors.length} cores`,
    "load average before": loadavg()[0].toFixed(2),
    Deno: `${Deno.version.deno}, V8 ${Deno.version.v8}`,
    ...(nats && { "nats-server": nats.replace("nats-server:", "").trim() }),
    ...(fileSystem && { "file system of the logs": fileSystem.trim() }),
  };
}
