/**
 * The service: builds its parts, starts them in order and stops them in order.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { Cluster } from "./cluster/cluster.ts";
import type { Config } from "./config.ts";
import { Histogram, MICROSECOND_BOUNDS } from "./histogram.ts";
import { Availability } from "./http/server/availability.ts";
import { BackupCounts } from "./http/set/backup.ts";
import { BodyReader } from "./http/server/body.ts";
import { getApp } from "./http/get/get_app.ts";
import { Listeners } from "./http/server/listener.ts";
import { RequestCounts } from "./http/server/request_counts.ts";
import { setApp } from "./http/set/set_app.ts";
import { LogClient } from "./log/thread/log_client.ts";
import { MembersPort } from "./log/thread/members_port.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import type { LogLines } from "./telemetry/logger.ts";
import { fileSource } from "./snapshot/file_source.ts";
import { type Peer, peerSource } from "./snapshot/peer_source.ts";
import type { SnapshotSource } from "./snapshot/source.ts";
import { bootstrap } from "./replica/bootstrap.ts";
import { Compaction } from "./replica/compaction.ts";
import { Replica } from "./replica/replica.ts";
import { History } from "./telemetry/history.ts";
import { status } from "./telemetry/status.ts";

const logger = getLogger(["usergrade"]);

/** How often deadlines are looked at. */
const TICK_MS = 100;

/** How long a stop waits for bodies on their way: their sets get a 503. */
const BODIES_TIMEOUT_MS = 2_000;

/** How long connections may linger, and the log may take to close. */
const SHUTDOWN_TIMEOUT_MS = 2_000;

/** A listener's port can't be had. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** A service that is running. */
export interface Service {
  /** Resolves when the service can't go on, with the reason. */
  readonly failed: Promise<Error>;
  /**
   * Serves for as long as is configured; then takes no new sets, ends those
   * under way and closes everything.
   */
  stop(reason: string): Promise<void>;
}

/**
 * Starts the service. Both listeners are up before the log is opened, and say
 * that they are not ready until it is applied.
 *
 * @param config What to run.
 * @param version The version to tell.
 * @param logLines The process's log lines.
 * @returns The running service.
 * @throws {ListenError} If a port can't be had.
 */
export function startService(
  config: Config,
  version: string,
  logLines: LogLines,
): Service {
  const now = () => performance.now();
  const failed = Promise.withResolvers<Error>();
  const fail = (error: Error) => {
    if (replica.state === "draining") return;
    logger.fatal("The service can't go on: {reason}", {
      reason: error.message,
    });
    replica.abandon(error.message);
    failed.resolve(error);
  };

  const log = new LogClient({
    entries: (entries, lastSequence, taken) => {
      replica.apply(entries, lastSequence, taken);
      compaction?.consider();
    },
    status: (status) => replica.logStatusChanged(status),
    firstSequence: (sequence) => replica.firstSequenceMoved(sequence),
    limits: (limits) => replica.logLimitsChanged(limits),
    warn: (message) => logger.warn("{message}", { message }),
    proposalFailed: (batch, error) => replica.proposalFailed(batch, error),
    failed: fail,
  });
  const members = new MembersPort({
    heard: (replicaId, bytes) => cluster.heard(replicaId, bytes, now()),
    dropped: (count) => cluster.noteDropped(count),
    off: (reason) => cluster.off(reason),
  });
  const replica = new Replica({
    propose: (batch, text) => log.propose(batch, text),
    defer: (callback) => setImmediate(callback),
    now,
  }, config.commitTimeout_ms);
  // A stream is kept short by its own limits.
  const compaction = config.nats === undefined
    ? new Compaction(replica, log)
    : undefined;
  const cluster = new Cluster(
    { replicaId: config.replicaId, version },
    replica,
    {
      sendHeartbeat: config.nats && ((bytes) => members.send(bytes)),
      session: crypto.randomUUID().replaceAll("-", ""),
    },
  );
  const availability = new Availability(config.isReadOnly);
  const bodies = new BodyReader(config.bodyBytesMax, now);
  const listeners = new Listeners(now);
  const timer = setInterval(() => {
    try {
      replica.tick();
    } catch (error) {
      // An entry that was applied late shows that the log can't go on.
      fail(error as Error);
    }
    cluster.tick(now());
    history.tick(counters, now());
    bodies.tick();
    listeners.tick();
  }, TICK_MS);

  const identity = {
    replicaId: config.replicaId,
    version,
    mode: config.nats === undefined ? "standalone" : "replicated",
    started_ms: now(),
  } as const;
  const requests = { set: new RequestCounts(), get: new RequestCounts() };
  const backups = new BackupCounts();
  const getSeconds = new Histogram(MICROSECOND_BOUNDS);
  const metrics = createMetrics({
    identity,
    replica,
    requests,
    getSeconds,
    backups,
    cluster,
    logLines,
  });
  let openApi: Promise<string> | undefined;
  const counters = () => ({
    gets: requests.get.route("/get").answers,
    sets: replica.sets.counts.committed,
    setSeconds: replica.sets.counts.setSeconds.snapshot(),
    rss_bytes: Deno.memoryUsage().rss,
  });
  const history = new History(counters(), now());
  const setPort = listen(
    listeners,
    config,
    "set",
    setApp(
      replica,
      bodies,
      config.credentials,
      requests.set,
      backups,
      availability,
    ),
  );
  listen(
    listeners,
    config,
    "get",
    getApp({
      replica,
      availability,
      requests: requests.get,
      getSeconds,
      status: () => status(identity, replica, cluster.diverged, now()),
      cluster: () => cluster.view(now()),
      history: () => history.view(now()),
      openApi: () => openApi ??= describeInterface(config, setPort, version),
      metrics: async () => {
        const registry = await metrics;
        return {
          contentType: registry.contentType,
          text: await registry.text(),
        };
      },
    }),
  );

  const stopping = new AbortController();
  start(config, log, members, replica, stopping.signal).catch(fail);

  const stop = async (reason: string) => {
    const { shutdownDelay_ms } = config;
    if (shutdownDelay_ms > 0 && replica.readable) {
      const leaving =
        `${reason}: requests are served for ${shutdownDelay_ms} ms more (SHUTDOWN_DELAY_MS)`;
      availability.leave(leaving);
      logger.info("Not ready: {reason}", { reason: leaving });
      await within(shutdownDelay_ms, [failed.promise]);
    }
    replica.drain(reason);
    stopping.abort();
    // The others hear of it before the log is closed.
    cluster.tick(now());
    const patience = now() + BODIES_TIMEOUT_MS;
    while (
      replica.sets.pending > 0 || (bodies.pending > 0 && now() < patience)
    ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // Only now: it breaks the reading of bodies that are on their way.
    await within(SHUTDOWN_TIMEOUT_MS, [listeners.shutdown()]);
    clearInterval(timer);
    await within(SHUTDOWN_TIMEOUT_MS, [log.close()]);
    logger.info("Stopped");
  };
  return { failed: failed.promise, stop };
}

/** Made when it is first asked for, since that takes 15 ms. */
async function describeInterface(
  { host, tls }: Config,
  setPort: number,
  version: string,
): Promise<string> {
  const { openApiDocument } = await import("./http/openapi/document.ts");
  return openApiDocument({
    version,
    setListener: { isTls: tls !== undefined, host, port: setPort },
  });
}

async function start(
  config: Config,
  log: LogClient,
  members: MembersPort,
  replica: Replica,
  stopping: AbortSignal,
): Promise<void> {
  const info = await log.open(
    config.nats === undefined
      ? { engine: "sqlite", directory: config.dataDir }
      : {
        ...config.nats,
        engine: "jetstream",
        replicaId: config.replicaId,
        commitTimeout_ms: config.commitTimeout_ms,
      },
    config.nats && members.remote,
  );
  logger.info("The log {id} is open, up to entry {sequence}", {
    id: info.id,
    sequence: info.lastSequence,
  });
  using client = config.peersCa === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [config.peersCa] });
  const places = {
    sources: config.peers.map((peer) => sourceOf(peer, client)),
    store: config.nats === undefined ? log.snapshots : undefined,
  };
  await bootstrap(replica, log, info, places, stopping);
}

function sourceOf(
  peer: Peer,
  client: Deno.HttpClient | undefined,
): SnapshotSource {
  return peer.url.startsWith("file:")
    ? fileSource(peer.url)
    : peerSource(peer, client);
}

/** @returns The port, which the system chose if 0 was asked for. */
function listen(
  listeners: Listeners,
  config: Config,
  name: "set" | "get",
  app: (request: Request) => Response | Promise<Response>,
): number {
  const port = name === "set" ? config.setPort : config.getPort;
  const variable = name === "set" ? "SET_PORT" : "GET_PORT";
  let bound = port;
  try {
    listeners.listen({
      hostname: config.host,
      port,
      tls: config.tls,
      onListen: ({ hostname, port }) => {
        bound = port;
        logger.info("The {listener} listener is at {url}", {
          listener: name,
          url: `${config.tls ? "https" : "http"}://${
            hostname.includes(":") ? `[${hostname}]` : hostname
          }:${port}`,
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

/** Waits for all of some work, but not longer than a time. */
async function within(
  timeout_ms: number,
  work: readonly Promise<unknown>[],
): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, timeout_ms);
  await Promise.race([Promise.all(work), timeout.promise]);
  clearTimeout(timer);
}
