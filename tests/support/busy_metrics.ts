/**
 * The metrics of a service that has done everything once.
 *
 * @module
 */
import { LocalKeeping } from "./local_snapshots.ts";
import { LocalService } from "./local_service.ts";
import { type MetricFamily, scrape } from "./prometheus_text.ts";

/** @returns The metrics by name, with every label that they may have. */
export async function busyMetrics(): Promise<Map<string, MetricFamily>> {
  const service = new LocalService();
  const newest = { sequence: 1, time: "2026-11-23T22:49:59Z", bytes: 1 };
  const { places } = service.snapshots;
  places.folder = new LocalKeeping();
  places.folder.newest = places.log.newest = newest;
  for (
    const asked of [
      service.get("/get?user_id=a"),
      service.set({ user_id: "a" }),
      service.send("set", "/set"),
      service.ask("/backup"),
    ]
  ) await (await asked).bytes();
  return await scrape(service);
}
