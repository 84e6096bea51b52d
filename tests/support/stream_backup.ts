/**
 * Backing up a stream and restoring it, as `nats stream backup` and `restore`
 * do: by JetStream's API, in chunks.
 *
 * @module
 */
import { createInbox, type NatsConnection } from "nats";

/** A stream's backup. */
export interface StreamBackup {
  readonly config: unknown;
  readonly state: unknown;
  readonly chunks: Uint8Array[];
}

async function ask(
  client: NatsConnection,
  subject: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const reply = (await client.request(subject, JSON.stringify(body), {
    timeout: 10_000,
  })).json<Record<string, unknown>>();
  if (reply.error) throw new Error(JSON.stringify(reply.error));
  return reply;
}

/** @returns The whole stream. */
export async function backUpStream(
  client: NatsConnection,
  stream: string,
): Promise<StreamBackup> {
  const inbox = createInbox();
  const chunks: Uint8Array[] = [];
  const messages = client.subscribe(inbox);
  const answer = await ask(client, `$JS.API.STREAM.SNAPSHOT.${stream}`, {
    deliver_subject: inbox,
  });
  for await (const message of messages) {
    if (message.data.length === 0) break;
    chunks.push(Uint8Array.from(message.data));
    message.respond();
  }
  messages.unsubscribe();
  return { config: answer.config, state: answer.state, chunks };
}

/** Makes the stream from its backup. */
export async function restoreStream(
  client: NatsConnection,
  stream: string,
  { config, state, chunks }: StreamBackup,
): Promise<void> {
  const answer = await ask(client, `$JS.API.STREAM.RESTORE.${stream}`, {
    config,
    state,
  });
  const subject = String(answer.deliver_subject);
  for (const chunk of chunks) {
    await client.request(subject, chunk, { timeout: 10_000 });
  }
  const end = (await client.request(subject, "", { timeout: 10_000 }))
    .json<Record<string, unknown>>();
  if (end.error) throw new Error(JSON.stringify(end.error));
}
