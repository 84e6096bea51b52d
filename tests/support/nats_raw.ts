/**
 * Messages to a broker as no client library would send them.
 *
 * @module
 */
import type { NatsServer } from "./nats_server.ts";

/** Publishes with headers that no client library would send. */
export async function publishRaw(
  server: NatsServer,
  subject: string,
  headers: string,
  text: string,
): Promise<void> {
  using socket = await Deno.connect({ port: server.port });
  const total = headers.length + text.length;
  await socket.write(new TextEncoder().encode(
    `CONNECT {"headers":true,"verbose":false}\r\nHPUB ${subject} ${headers.length} ${total}\r\n${headers}${text}\r\nPING\r\n`,
  ));
  const reader = socket.readable.pipeThrough(new TextDecoderStream());
  for await (const answer of reader) if (answer.includes("PONG")) break;
}
