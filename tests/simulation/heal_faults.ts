/**
 * What else goes wrong while a log is made whole.
 *
 * @module
 */
import type { SimulatedService } from "../support/simulated_service.ts";
import type { HealStorm } from "./heal_storm.ts";
import { ServiceFaults } from "./service_faults.ts";

/** Parts of the subjects that permissions may be missing for. */
const FORBIDDEN = [
  "$",
  "$O.",
  "$heal",
  "STREAM.CREATE.USERGRADE",
  "STREAM.PURGE.USERGRADE",
  "STREAM.CREATE.OBJ",
  "STREAM.MSG.GET.OBJ",
];

/**
 * @param storm The run.
 * @returns Each fault by its name; it says whether it could be tried.
 */
export function healFaults(
  storm: HealStorm,
): Record<string, (lasts_ms: number) => boolean> {
  const { broker, random } = storm;
  const faults = new ServiceFaults(storm);
  const to = (
    ms: number,
    happens: (service: SimulatedService, ms: number) => void,
  ): boolean => {
    if (storm.services.length === 0) return false;
    const service = random.pick(storm.services);
    service.isAwayFor(ms);
    happens(service, ms);
    return true;
  };
  return {
    "a replica dies": (ms) => storm.kill(random.pick(storm.services), ms),
    "a replica dies at a step": () => faults.dieAtSteps(30),
    "a replica is stopped": (ms) =>
      to(2 * ms, (service) => faults.stop(service, 2 * ms)),
    "a replica is cut off": (ms) =>
      to(2 * ms, ({ replica }) => replica.cutOff(2 * ms)),
    "a replica loses its connection": () =>
      to(1_000, ({ replica }) => replica.disconnect()),
    "one is not heard": (ms) =>
      to(2 * ms, ({ name }) => faults.deafen(2 * ms, [name])),
    "one is kept from the stream": (ms) =>
      to(ms, ({ replica }) =>
        faults.during(
          ms,
          () => replica.hasStream = false,
          () => replica.hasStream = true,
        )),
    "the broker restarts": (ms) => storm.restart(ms / 10),
    "no answers": (ms) => faults.noAnswers(ms / 2),
    "permissions are taken": (ms) => {
      const who = random.pick([...storm.names, undefined]);
      return faults.forbid(ms, who, random.pick(FORBIDDEN));
    },
    "the bucket is full": (ms) => faults.fillBucket(ms),
    "a server is behind": (ms) => {
      const { stream } = broker;
      if (stream === undefined || broker.servers === 1) return false;
      const behind = stream.asOf(
        Math.max(0, stream.changes - random.below(10)),
      );
      storm.behindSince_ms = storm.time.now;
      return faults.fallBehind(ms, behind);
    },
    "the log is emptied": (ms) => {
      const { stream } = broker;
      // Nobody does that to a log that is being healed.
      if (stream === undefined || storm.promises.pending) return false;
      // Someone purges it, or its entries have all become too old.
      stream.purge(stream.last + 1);
      storm.emptiedTo = stream.first;
      storm.promises.ledger.settle();
      // One that starts finds it so.
      storm.kill(random.pick([undefined, ...storm.services]), ms);
      return true;
    },
    "a replica more": () => {
      const name = storm.names.find((one) =>
        storm.services.every((service) => service.name !== one)
      );
      if (name !== undefined) storm.start(name);
      return name !== undefined;
    },
  };
}
