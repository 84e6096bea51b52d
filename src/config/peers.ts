/**
 * Where other replicas are.
 *
 * @module
 */
import type { Credentials } from "../http/server/basic_auth.ts";
import type { Peer } from "../snapshot/peer_source.ts";
import type { Environment, VariableReader } from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/**
 * @param reader Reads the variables; gets what is wrong with them.
 * @param environment Which of them are set.
 * @param credentials For the peers whose URLs hold none.
 * @returns Where a starting replica asks for a backup, in this order.
 */
export function readPeers(
  reader: VariableReader,
  { PEERS, NATS_URL }: Environment,
  credentials: Credentials,
): Peer[] {
  if (PEERS && !NATS_URL) {
    reader.problems.push(
      "PEERS needs NATS_URL: a standalone service has no peers",
    );
  }
  const urls = reader.value("PEERS", VARIABLES.PEERS) ?? [];
  return urls.map((url) => {
    const { username, password } = url;
    url.username = url.password = "";
    return {
      url: url.href,
      user: username ? decodeURIComponent(username) : credentials.user,
      password: password
        ? decodeURIComponent(password)
        : credentials.passwords[0],
    };
  });
}
