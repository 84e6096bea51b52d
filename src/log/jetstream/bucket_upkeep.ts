/**
 * Making the bucket of the snapshots, and keeping it on as many servers as the
 * log.
 *
 * @module
 */
import { SnapshotStoreError } from "../../snapshot/store.ts";
import { bucketProblem } from "./bucket_settings.ts";
import { bucketStream } from "./object_names.ts";
import type { BucketConfig, ObjectStream } from "./object_stream.ts";

/** Which bucket it is, and who writes to it. */
export interface BucketOptions {
  /** The stream that is the log. */
  readonly stream: string;
  readonly replicaId: string;
  /**
   * On how many servers the log is to be kept: a bucket is made on as many
   * while the log's stream is gone. 1 if left out.
   */
  readonly streamReplicas?: number;
  /** Told what an operator should do about the bucket. */
  warn?(message: string): void;
}

/** Cares for one bucket. */
export class BucketUpkeep {
  /** Whether it was told that the bucket is kept on too few servers. */
  #isWarned = false;

  /** @param options Of the bucket. @param bucket Its name. */
  constructor(
    private readonly options: BucketOptions,
    private readonly bucket: string,
  ) {}

  /** Makes the bucket if it is not there, and checks that it can be used. */
  async ensure(stream: ObjectStream): Promise<void> {
    const config = await stream.config();
    if (config === undefined) {
      const { stream: log, streamReplicas = 1 } = this.options;
      const servers = await stream.serversOf(log) ?? streamReplicas;
      return await stream.make(this.bucket, servers);
    }
    const problem = bucketProblem(config, this.bucket);
    if (problem !== undefined) throw new SnapshotStoreError(problem);
    await this.#follow(stream, config);
  }

  /**
   * Keeps the bucket on as many servers as the log: it may have been made before
   * the stream was put on more. Without that, the loss of one server would cost
   * what the log was cut behind.
   */
  async #follow(stream: ObjectStream, config: BucketConfig): Promise<void> {
    const servers = await stream.serversOf(this.options.stream);
    // A log that is gone is made again from what is stored now.
    if (servers === undefined) return;
    const { num_replicas = servers } = config;
    if (num_replicas >= servers) return;
    try {
      await stream.spread(config, servers);
    } catch (error) {
      if (this.#isWarned) return;
      this.#isWarned = true;
      const name = bucketStream(this.bucket);
      this.options.warn?.(
        `The snapshots are kept on ${num_replicas} of NATS' servers and the log on ${servers}, and this replica can't change that (${
          (error as Error).message
        }): run nats stream edit ${name} --replicas ${servers}`,
      );
    }
  }
}
