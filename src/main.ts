/**
 * The command: arguments, environment and exit status. Nothing else touches
 * them.
 *
 * All that a command needs is imported when it is known which one it is. The
 * service's log is loaded by its own thread meanwhile.
 *
 * @module
 */
import { type Command, parseArguments } from "./cli/arguments.ts";
import { EXIT_BAD_CONFIGURATION, EXIT_OK } from "./exit_status.ts";
import { startLogThread } from "./log/thread/log_thread.ts";

const variable = (name: string) => Deno.env.get(name);

async function main(): Promise<number> {
  // Requests go to peers and to a service of one's own, with its password: a
  // proxy of the machine (HTTP_PROXY and the like) must not get them.
  Deno.env.set("NO_PROXY", "*,0.0.0.0/0,::/0");
  let command: Command;
  try {
    command = parseArguments(Deno.args);
  } catch (error) {
    console.error(`${(error as Error).message}\nTry --help.`);
    return EXIT_BAD_CONFIGURATION;
  }
  switch (command.type) {
    case "help":
      console.log((await import("./cli/help.ts")).help());
      return EXIT_OK;
    case "version":
      console.log((await import("./version.ts")).VERSION);
      return EXIT_OK;
    case "serve": {
      const logThread = startLogThread(
        variable("NATS_URL") ? "jetstream" : "sqlite",
      );
      const { run } = await import("./run.ts");
      return await run({ variable, logThread, isWatched: command.isWatched });
    }
    default:
      return await (await import("./cli/run_command.ts"))
        .runCommand(command, variable);
  }
}

Deno.exit(await main());
