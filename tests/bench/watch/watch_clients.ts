/**
 * Clients that watch a service and throw away what they are told: as little of
 * the machine as that takes.
 *
 * Its arguments are the URL of the get listener, how many clients, and what
 * each watches: `all` or `one` user. It prints a line once all of them watch.
 *
 * @module
 */
import { grades } from "../http/requests.ts";

const BUFFER_BYTES = 256 * 1024;

const [url, count, what] = Deno.args;
const { hostname, port, host } = new URL(url);
const users = grades();

async function watch(client: number): Promise<void> {
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const query = what === "all" ? "" : `?user_id=${users[client].user_id}`;
  const request = `GET /watch${query} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(BUFFER_BYTES);
  await connection.read(buffer);
  ignore(connection, buffer);
}

async function ignore(
  connection: Deno.TcpConn,
  buffer: Uint8Array,
): Promise<void> {
  while (await connection.read(buffer) !== null);
  throw new Error("A watch has ended");
}

await Promise.all(Array.from({ length: Number(count) }, (_, i) => watch(i)));
console.log("watching");
