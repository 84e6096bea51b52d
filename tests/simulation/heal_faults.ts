/**
 * What else goes wrong while a log is made whole.
 *
 * @module
 */
import type { SimulatedService } from "../support/simulated_service.ts";
import type { HealStorm } from "./heal_storm.ts";

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
  const { broker, objects, random, time } = storm;
  const during = (ms: number, begin: () => void, end: () => void): true => {
    begin();
    time.after(ms, () => storm.isOver || end());
    return true;
  };
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
    "a replica dies at a step": () => {
      for (const { api } of storm.services) {
        if (random.below(2) === 0) api.diesAt = 1 + random.below(30);
      }
      return true;
    },
    "a replica is stopped": (ms) =>
      to(2 * ms, (service) => {
        service.process.pause(2 * ms);
        // What comes for it is kept for it, or not.
        if (random.below(2) === 0) service.replica.disconnect();
      }),
    "a replica is cut off": (ms) =>
      to(2 * ms, ({ replica }) => replica.cutOff(2 * ms)),
    "a replica loses its connection": () =>
      to(1_000, ({ replica }) => replica.disconnect()),
    "one is not heard": (ms) =>
      to(2 * ms, ({ name }) =>
        during(
          2 * ms,
          () => storm.deaf.add(name),
          () => storm.deaf.delete(name),
        )),
    "one is kept from the stream": (ms) =>
      to(ms, ({ replica }) =>
        during(
          ms,
          () => replica.hasStream = false,
          () => replica.hasStream = true,
        )),
    "the broker restarts": (ms) => storm.restart(ms / 10),
    "no answers": (ms) =>
      during(
        ms / 2,
        () => broker.isAnswering = false,
        () => broker.isAnswering = true,
      ),
    "permissions are taken": (ms) => {
      const who = random.pick([...storm.names, undefined]);
      const part = random.pick(FORBIDDEN);
      return during(
        ms,
        () =>
          storm.forbidden = (replica, subject) =>
            replica === (who ?? replica) && subject.includes(part),
        () => storm.forbidden = () => false,
      );
    },
    "the bucket is full": (ms) =>
      during(ms, () => objects.isFull = true, () => objects.isFull = false),
    "a server is behind": (ms) => {
      const { stream } = broker;
      if (stream === undefined || broker.servers === 1) return false;
      const behind = stream.asOf(
        Math.max(0, stream.changes - random.below(10)),
      );
      return during(
        ms,
        () => broker.behind = behind,
        () => broker.behind = undefined,
      );
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
