/**
 * Prometheus metrics. The numbers are kept where they are counted and read at a
 * scrape, so no hot path calls the library.
 *
 * @module
 */
// Types of the whole, but only these modules of it: the rest, with push gateway
// and clustering, took a fifth of the CPU time of a start.
import type * as prom from "prom-client";
import PromCounter from "prom-client/lib/counter.js";
import PromGauge from "prom-client/lib/gauge.js";
import PromRegistry from "prom-client/lib/registry.js";
import type { Histogram } from "../histogram.ts";

const Counter: typeof prom.Counter = PromCounter;
const Gauge: typeof prom.Gauge = PromGauge;
const Registry: typeof prom.Registry = PromRegistry;

/** A number with its labels. */
export type Sample = readonly [labels: Record<string, string>, value: number];

/** Metrics that read their numbers from functions. */
export class MetricRegistry {
  readonly #registry = new Registry();

  /** The content type of {@linkcode text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus' text format, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Adds a number that goes up and down. */
  gauge(name: string, help: string, read: () => number): void {
    this.gauges(name, help, [], () => [[{}, read()]]);
  }

  /** Adds numbers that go up and down, with one label or more. */
  gauges(
    name: string,
    help: string,
    labelNames: string[],
    read: () => Sample[],
  ): void {
    this.#registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset();
          // Without labels there is a 0 otherwise.
          if (labelNames.length === 0) this.remove();
          for (const [labels, value] of read()) this.set(labels, value);
        },
      }),
    );
  }

  /** Adds a number that only goes up. */
  counter(name: string, help: string, read: () => number): void {
    this.counters(name, help, [], () => [[{}, read()]]);
  }

  /** Adds numbers that only go up, with one label or more. */
  counters(
    name: string,
    help: string,
    labelNames: string[],
    read: () => Sample[],
  ): void {
    this.#registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.inc(labels, value);
        },
      }),
    );
  }

  /** Adds a histogram. */
  histogram(name: string, help: string, histogram: Histogram): void {
    // The library's own histogram takes a search and a hash per value, which is
    // too slow for a hot path. Its registry needs only these members.
    const metric = {
      name,
      get: () =>
        Promise.resolve({
          name,
          help,
          type: "histogram",
          values: histogramSamples(name, histogram),
          aggregator: "sum",
        }),
    };
    this.#registry.registerMetric(metric as unknown as prom.Metric);
  }
}

/** As Prometheus expects it: each bucket includes those before it. */
function histogramSamples(
  name: string,
  { bounds, counts, sum }: Histogram,
): { metricName: string; labels: Record<string, string>; value: number }[] {
  let count = 0;
  const buckets = Array.from(counts, (own, bucket) => ({
    metricName: `${name}_bucket`,
    labels: { le: bucket < bounds.length ? String(bounds[bucket]) : "+Inf" },
    value: count += own,
  }));
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
