/**
 * A broker and replicas as processes, each replica behind proxies of its own.
 *
 * @module
 */
import { decodeEntry } from "../../src/log/change.ts";
import type { UserChange } from "../../src/user_grade.ts";
import { eventually } from "../support/eventually.ts";
import type { Random } from "../support/random.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { LOG_STREAM } from "./broker_client.ts";
import { lose, type Loss } from "./broker_loss.ts";
import { Brokers, type ServerCount } from "./brokers.ts";
import { HealSteps } from "./heal_steps.ts";
import { LogRecord, NOTHING } from "./log_record.ts";
import { LogRecorder } from "./log_recorder.ts";
import { LossTimes } from "./loss_times.ts";
import { ReplicaLines } from "./replica_lines.ts";
import { ReplicaSlot } from "./replica_slot.ts";
import { SnapshotBucket } from "./snapshot_bucket.ts";
import { SYSTEM_USER } from "./step_downs.ts";
import { SnapshotWatch } from "./snapshot_watch.ts";

/**
 * Where the set listeners' ports are taken from: below those that the kernel
 * gives to outgoing connections, so that a port is still free when its replica
 * comes back.
 */
const PORTS = { from: 20_000, below: 32_000 };

/** How long the last entries may take to be read. */
const READ_MAX_MS = 30_000;

/** How long the log may take to be whole again: someone may be waited for. */
const HEALED_MAX_MS = 60_000;

/** So short that it shows whoever heals what was not lost. */
const HEAL_AFTER_MS = 1_000;

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly replicas: number;
  readonly servers: ServerCount;
  /** By how much the log grows before it is snapshot; 0: never. */
  readonly snapshotLogBytes: number;
  /** How long all may take to be ready. */
  readonly patience_ms: number;
  /** Told of whatever no fault explains. */
  onSurprise(what: string): void;
}

/** A cluster that faults can be injected into. */
export class FaultCluster implements AsyncDisposable {
  readonly slots: ReplicaSlot[] = [];
  readonly lines: ReplicaLines;
  readonly bucket: SnapshotBucket;
  readonly watch: SnapshotWatch;
  readonly healing: HealSteps;
  readonly losses = new LossTimes();
  readonly #folder = new TemporaryFolder();
  readonly #record: LogRecord;
  #recorders: readonly LogRecorder[] = [];
  /** Up to which entry the log was made whole last. */
  #healedTo = 0;

  private constructor(
    readonly brokers: Brokers,
    private readonly options: ClusterOptions,
  ) {
    this.watch = new SnapshotWatch(brokers.clients);
    this.healing = new HealSteps(brokers.clients);
    this.bucket = new SnapshotBucket(brokers, this.watch);
    this.lines = new ReplicaLines(
      (sequence) => [...this.bucket.damaged.values()].includes(sequence),
      options.onSurprise,
    );
    this.#record = new LogRecord(options.onSurprise);
  }

  /**
   * Starts a broker and replicas, which are peers of each other.
   *
   * @param random Chooses their ports.
   */
  static async start(
    options: ClusterOptions,
    random: Random,
  ): Promise<FaultCluster> {
    const cluster = new FaultCluster(
      await Brokers.start(
        options.servers,
        options.servers > 1 ? SYSTEM_USER : "",
      ),
      options,
    );
    try {
      await cluster.#start(random);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  async #start(random: Random): Promise<void> {
    const { replicas, servers, snapshotLogBytes, patience_ms, onSurprise } =
      this.options;
    const setPorts = choosePorts(replicas, random);
    for (let index = 0; index < replicas; index++) {
      const slot = new ReplicaSlot({
        index,
        dataDir: this.#folder.path,
        brokerPorts: this.brokers.servers.map(({ port }) => port),
        setPorts,
        env: {
          NATS_STREAM_REPLICAS: String(servers),
          SNAPSHOT_LOG_BYTES: String(snapshotLogBytes),
          HEAL_AFTER_MS: String(HEAL_AFTER_MS),
        },
        lines: this.lines,
        onSurprise,
      });
      this.slots.push(slot);
      slot.start(true);
    }
    await Promise.all(this.slots.map((slot) => slot.untilReady(patience_ms)));
    this.#recorders = this.brokers.clients.map((client) =>
      new LogRecorder(client, this.#record)
    );
  }

  /**
   * Reads the log to its end; a broker must be up, and nobody may write.
   *
   * @returns All entries that it ever had.
   */
  async readLog(): Promise<UserChange[][]> {
    const lastSequence = await this.#untilRead();
    const missing = this.#record.missing(lastSequence);
    if (missing.length > 0) {
      this.options.onSurprise(
        `${missing.length} entries were cut before they were read: [${
          missing.slice(0, 5).join(", ")
        }, …]`,
      );
    }
    const encoder = new TextEncoder();
    return this.#record.payloads(lastSequence)
      .map((payload) =>
        payload === NOTHING ? [] : decodeEntry(encoder.encode(payload), 2)
      );
  }

  /** @returns The sequence of the log's last entry, which was read. */
  async #untilRead(): Promise<number> {
    const { lastSequence } = await this.brokers.ask((client) =>
      client.look(LOG_STREAM)
    );
    await eventually(() => {
      if (this.#record.next <= lastSequence) {
        throw new Error(
          `the log ends at ${lastSequence}, and ${this.#record.next} is not read`,
        );
      }
    }, READ_MAX_MS);
    return lastSequence;
  }

  /**
   * Lets the broker lose something, when all that it has was read: the replicas
   * are cut off before.
   *
   * @param isUnderLoad Whether clients go on setting meanwhile.
   */
  async lose(loss: Loss, isUnderLoad: boolean): Promise<void> {
    await Promise.all(this.slots.map(({ network }) => network.refuse()));
    await this.#untilRead();
    this.#record.pause();
    await lose(this.brokers, loss);
    this.losses.lost(performance.now(), isUnderLoad);
    for (const { network } of this.slots) network.accept();
  }

  /** Lets it lose something once more, before the log is whole. */
  async loseAgain(loss: Loss): Promise<void> {
    await lose(this.brokers, loss);
    this.losses.lost(performance.now(), false);
  }

  /** Waits until the replicas have made the log whole. */
  async untilHealed(): Promise<void> {
    this.#healedTo = await eventually(async () => {
      const heal = await this.brokers.ask((client) => client.heal());
      if (
        heal === undefined || heal.healedTo <= this.#healedTo ||
        heal.sequence !== heal.healedTo + 1
      ) throw new Error("the log is not whole");
      return heal.healedTo;
    }, HEALED_MAX_MS);
    this.#record.healed(this.#healedTo);
    this.losses.whole(performance.now());
  }

  /**
   * Says which replicas have found a way to the broker round their proxies:
   * then the network's faults prove nothing.
   *
   * @returns The names of their connections.
   */
  async bypasses(): Promise<string[]> {
    const known = new Set(
      this.slots.flatMap(({ network }) => network.outgoing),
    );
    return (await this.brokers.connections())
      .filter(({ name = "", port }) =>
        name.startsWith("usergrade ") && !known.has(port)
      )
      .map(({ name }) => name!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const recorder of this.#recorders) {
      await recorder[Symbol.asyncDispose]();
    }
    for (const slot of this.slots) await slot[Symbol.asyncDispose]();
    await this.brokers[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

function choosePorts(count: number, random: Random): number[] {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = PORTS.from + random.below(PORTS.below - PORTS.from);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.add(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return [...ports];
}
