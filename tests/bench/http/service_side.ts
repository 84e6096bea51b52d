/**
 * The service as a side: run as it ships, with some users in it.
 *
 * @module
 */
import { VARIABLES } from "../../../src/config/variables.ts";
import { ServiceProcess } from "../../support/service_process.ts";
import { grades } from "./requests.ts";

/** How many sets are under way while a service gets its users. */
const PRELOAD_CONNECTIONS = 32;

/** Variables that {@linkcode ServiceProcess} sets by itself. */
const SET_ELSEWHERE =
  /^(SET_PORT|GET_PORT|AUTH_USER|AUTH_PASSWORD|DATA_DIR|LOG_FORMAT)$/;

/**
 * Starts a service as it ships.
 *
 * @param dataDir An empty folder.
 * @param natsUrl The broker; undefined for a standalone service.
 * @param wrapper Words before the command.
 */
export async function startEmptyService(
  dataDir: string,
  natsUrl: string | undefined,
  wrapper: readonly string[],
): Promise<ServiceProcess> {
  return await ServiceProcess.start({
    dataDir,
    env: { ...unset(), NATS_URL: natsUrl ?? "" },
    wrapper: [...wrapper],
  });
}

/** The same, and stores every user of the load in it. */
export async function startService(
  ...options: Parameters<typeof startEmptyService>
): Promise<ServiceProcess> {
  const service = await startEmptyService(...options);
  try {
    await preload(service);
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
  return service;
}

/** Empty variables, which count as unset, in place of this shell's own. */
function unset(): Record<string, string> {
  const names = Object.keys(VARIABLES)
    .filter((name) => !SET_ELSEWHERE.test(name));
  return Object.fromEntries(names.map((name) => [name, ""]));
}

/** Stores every user of the load. */
export async function preload(
  service: Pick<ServiceProcess, "set">,
): Promise<void> {
  const waiting = grades();
  const next = async () => {
    for (let grade; (grade = waiting.pop()) !== undefined;) {
      const response = await service.set(grade);
      const text = await response.text();
      if (!response.ok) throw new Error(`Cannot preload: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: PRELOAD_CONNECTIONS }, next));
}
