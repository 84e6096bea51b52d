/**
 * What happens in one run of the simulation of healing, and when.
 *
 * @module
 */
import type { SimulatedService } from "../support/simulated_service.ts";
import { healFaults } from "./heal_faults.ts";
import { FAULT_MAX_MS, type HealStorm } from "./heal_storm.ts";

/** How many sets and gets are sent at any time. */
const SETS = 8;
const GETS = 8;
/** When the broker loses something for the first time. */
const FIRST_LOSS_MIN_MS = 1_800;
const FIRST_LOSS_MAX_MS = 4_500;
/** How long one replica alone applies the end of the log. */
const ALONE_MS = 400;
/** Until the others have given it up, and write past that end. */
const GIVEN_UP_MS = 13_000;
/** How long after a loss the next one comes, at most. */
const NEXT_LOSS_MS = 8_000;
/** How long before a loss replicas begin to lag, at most. */
const BEFORE_LOSS_MS = 2_500;
/** How long it takes at most until sets are taken again where nothing is lost. */
const RETURN_MAX_MS = 5_000;
/** How late a replica comes back at most: the others have given it up by then. */
const LATE_MAX_MS = 24_000;
/** How many sets are sent in the time before each loss, and after it. */
const SETS_BESIDE_LOSS = 5;
/** For how long faults begin and sets are sent after the last loss. */
const AFTER_LOSS_MS = 6_000;
/** How often someone copies the bucket, and wants a snapshot. */
const COPIES = 3;
const SNAPSHOTS = 2;

/** Plans one run. */
export class HealPlan {
  /** Whether much goes wrong at once. */
  readonly #isHeavy: boolean;

  constructor(private readonly storm: HealStorm) {
    this.#isHeavy = storm.random.below(4) === 0;
  }

  /** @returns When the storm ends. */
  begin(): number {
    const { random, clients, losses } = this.storm;
    const losses_ms = random.below(8) === 0
      ? this.#planTwoHistories()
      : this.#losses();
    const end_ms = (losses_ms.at(-1) ?? FIRST_LOSS_MAX_MS) + AFTER_LOSS_MS;
    for (const loss_ms of losses_ms) this.#planLoss(loss_ms);
    this.#plan(SETS, 0, end_ms, () => this.#set());
    this.#plan(
      GETS,
      0,
      end_ms,
      () => this.#withAny((one) => clients.get(one)),
    );
    this.#plan(COPIES, 0, end_ms, () => losses.copyBucket());
    this.#plan(
      SNAPSHOTS,
      0,
      end_ms,
      () => this.#withAny(({ keeper }) => keeper.make().catch(() => {})),
    );
    const faults = healFaults(this.storm);
    const names = Object.keys(faults);
    const count = random.pick(this.#isHeavy ? [2, 4, 6] : [0, 0, 1, 2, 4]);
    this.#plan(count, 0, end_ms, () => {
      const name = random.pick(names);
      const couldBeTried = faults[name](random.below(FAULT_MAX_MS));
      if (couldBeTried) this.storm.faults.push(name);
    });
    return end_ms;
  }

  /** When the broker loses something: often once, now and then three times. */
  #losses(): number[] {
    const { random } = this.storm;
    const count = random.pick(
      this.#isHeavy ? [1, 2, 3, 3] : [0, 1, 1, 1, 2, 2, 3],
    );
    const losses_ms: number[] = [];
    let at_ms = FIRST_LOSS_MIN_MS +
      random.below(FIRST_LOSS_MAX_MS - FIRST_LOSS_MIN_MS);
    for (let i = 0; i < count; i++) {
      losses_ms.push(at_ms);
      at_ms += random.below(NEXT_LOSS_MS);
    }
    return losses_ms;
  }

  /**
   * One replica alone has applied the end of the log, and is cut off when that is
   * lost. The others write past it, and what they wrote is lost too, before it
   * is back.
   *
   * @returns When the broker loses more, after the first time.
   */
  #planTwoHistories(): number[] {
    const { storm, storm: { random, time, clients } } = this;
    const first_ms = FIRST_LOSS_MIN_MS +
      random.below(FIRST_LOSS_MAX_MS - FIRST_LOSS_MIN_MS);
    const second_ms = first_ms + GIVEN_UP_MS + random.below(NEXT_LOSS_MS / 2);
    let ahead: SimulatedService | undefined;
    time.after(first_ms - ALONE_MS, () => {
      ahead = random.pick(storm.services);
      for (const { replica } of storm.services) {
        const { consumer } = replica.wire ?? {};
        if (replica !== ahead?.replica && consumer) consumer.isPaused = true;
      }
    });
    this.#plan(
      SETS_BESIDE_LOSS,
      first_ms - ALONE_MS,
      first_ms,
      () => ahead && clients.set(ahead),
    );
    time.after(first_ms, () => {
      const away_ms = second_ms - first_ms + random.below(NEXT_LOSS_MS);
      ahead?.isAwayFor(away_ms);
      ahead?.replica.cutOff(away_ms);
      storm.lose("the tail is lost");
    });
    this.#plan(
      SETS_BESIDE_LOSS,
      second_ms - 2_000,
      second_ms,
      () => this.#set(),
    );
    return [second_ms];
  }

  #planLoss(loss_ms: number): void {
    const { random, time } = this.storm;
    const before_ms = loss_ms - random.below(BEFORE_LOSS_MS);
    time.after(before_ms, () => this.#scatter());
    this.#plan(SETS_BESIDE_LOSS, before_ms, loss_ms, () => this.#set());
    time.after(loss_ms, () => this.storm.lose());
    const after_ms = loss_ms + RETURN_MAX_MS;
    this.#plan(SETS_BESIDE_LOSS, loss_ms, after_ms, () => this.#set());
  }

  /** Plans something so many times between two times. */
  #plan(
    times: number,
    from_ms: number,
    to_ms: number,
    happens: () => void,
  ): void {
    const { random, time } = this.storm;
    while (times-- > 0) {
      time.after(from_ms + random.below(to_ms + 1 - from_ms), happens);
    }
  }

  #set(): void {
    this.#withAny((one) => this.storm.clients.set(one));
  }

  #withAny(act: (service: SimulatedService) => void): void {
    const able = this.storm.services.filter(({ process }) => !process.isPaused);
    if (able.length > 0) act(this.storm.random.pick(able));
  }

  /** Not all have applied the same when the broker loses something. */
  #scatter(): void {
    const { random, services } = this.storm;
    for (const service of [...services]) {
      switch (random.below(12)) {
        case 0:
        case 1:
        case 2: {
          // It lags, and comes back with all others.
          const { wire } = service.replica;
          if (wire?.consumer !== undefined) wire.consumer.isPaused = true;
          break;
        }
        case 3:
          this.#comesBackLate(service);
          break;
        case 4:
          // It starts beside the loss.
          this.storm.kill(service, random.below(2 * BEFORE_LOSS_MS));
      }
    }
  }

  #comesBackLate(service: SimulatedService): void {
    const { random, time } = this.storm;
    const in_ms = random.below(BEFORE_LOSS_MS);
    const lasts_ms = random.below(LATE_MAX_MS);
    service.isAwayFor(in_ms + lasts_ms);
    time.after(in_ms, () => service.process.pause(lasts_ms));
  }
}
