/**
 * What the documents use of the command `nats`, so that a test runs their
 * commands where it is not installed.
 *
 * @module
 */
import { connect } from "nats";

/** Does what the arguments say; returns whether it knows them. */
async function run(args: readonly string[]): Promise<boolean> {
  const client = await connect({ servers: Deno.env.get("NATS_URL")! });
  try {
    const manager = await client.jetstreamManager();
    const words = args.filter((arg) => arg !== "-f");
    const [what, does, name, object, option, file] = words;
    switch (`${what} ${does} ${words.length}`) {
      case "stream rm 3":
        return await manager.streams.delete(name);
      case "object rm 3":
        return await manager.streams.delete(`OBJ_${name}`);
      case "object get 6": {
        if (option !== "--output") return false;
        const store = await client.jetstream().views.os(name);
        const bytes = await store.getBlob(object);
        if (bytes === null) throw new Error(`there is no ${object}`);
        await Deno.writeFile(file, bytes);
        return true;
      }
      default:
        return false;
    }
  } finally {
    await client.close();
  }
}

if (!await run(Deno.args)) {
  throw new Error(`nats ${Deno.args.join(" ")}: not known here`);
}
