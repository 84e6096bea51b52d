/**
 * Binding the two listeners' ports, as they are configured.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Config } from "./config/config.ts";
import type { Listeners } from "./http/server/listeners.ts";
import type { App } from "./http/server/router.ts";

const logger = getLogger(["usergrade"]);

/** A listener's port can't be had. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Where a listener is. */
export interface Bound {
  readonly port: number;
  readonly url: string;
}

/**
 * Binds one listener.
 *
 * @param listeners Holds it from then on.
 * @param config The address, the ports and TLS.
 * @param name Which one it is.
 * @param app Answers its requests.
 * @returns Where it is; the system chose the port if 0 was asked for.
 * @throws {ListenError} If the port can't be had.
 */
export function bind(
  listeners: Listeners,
  config: Config,
  name: "set" | "get",
  app: App,
): Bound {
  const port = name === "set" ? config.setPort : config.getPort;
  const variable = name === "set" ? "SET_PORT" : "GET_PORT";
  let bound = { port, url: "" };
  try {
    listeners.listen({
      hostname: config.host,
      port,
      tls: config.tls,
      onListen: ({ hostname, port }) => {
        const host = hostname.includes(":") ? `[${hostname}]` : hostname;
        const url = `${config.tls ? "https" : "http"}://${host}:${port}`;
        bound = { port, url };
        logger.info("The {listener} listener is at {url}", {
          listener: name,
          url,
        });
      },
    }, app);
    return bound;
  } catch (cause) {
    throw new ListenError(
      `Cannot listen on ${config.host}:${port} (HOST, ${variable}): ${
        (cause as Error).message
      }`,
      { cause },
    );
  }
}
