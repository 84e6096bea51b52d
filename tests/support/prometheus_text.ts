/**
 * Reading Prometheus' text format, strictly.
 *
 * @module
 */
import assert from "node:assert/strict";

/** One metric with its samples. */
export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  /** By name and labels as they stand in the text. */
  readonly samples: Map<string, number>;
}

/**
 * Asks a service for its metrics, and checks that Prometheus takes the answer.
 *
 * @param service What answers `/metrics`.
 * @returns The metrics by name.
 */
export async function scrape(
  service: { get(path: string): Promise<Response> },
): Promise<Map<string, MetricFamily>> {
  const response = await service.get("/metrics");
  assert.equal(response.status, 200);
  assert.equal(
    response.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  return parsePrometheusText(await response.text());
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(
  `^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (\\+Inf|-Inf|NaN|[-+0-9.e]+)$`,
);

/**
 * @param text What `/metrics` answered.
 * @returns The metrics by name.
 * @throws {Error} If a line is not what it must be, a sample comes before its
 * type or twice, or a histogram does not add up.
 */
export function parsePrometheusText(text: string): Map<string, MetricFamily> {
  const families = new Map<string, MetricFamily>();
  let help: [name: string, text: string] | undefined;
  let current: [name: string, family: MetricFamily] | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      help = [name, rest];
    } else if (kind === "TYPE") {
      if (help?.[0] !== name) throw new Error(`no help before: ${line}`);
      if (families.has(name)) throw new Error(`twice: ${name}`);
      current = [name, { type: rest, help: help[1], samples: new Map() }];
      families.set(...current);
    } else {
      const match = SAMPLE.exec(line);
      if (match === null || current === undefined) throw new Error(line);
      addSample(current, match[1], match[2] ?? "", Number(match[3]));
    }
  }
  for (const [name, family] of families) {
    if (family.type === "histogram") checkHistogram(name, family);
  }
  return families;
}

function addSample(
  [name, { type, samples }]: [string, MetricFamily],
  sample: string,
  labels: string,
  value: number,
): void {
  const suffix = sample.slice(name.length);
  const allowed = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!sample.startsWith(name) || !allowed.includes(suffix)) {
    throw new Error(`${sample} is no sample of the ${type} ${name}`);
  }
  if (samples.has(sample + labels)) throw new Error(`twice: ${sample}`);
  samples.set(sample + labels, value);
}

function checkHistogram(name: string, { samples }: MetricFamily): void {
  const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_b`));
  let before = 0;
  for (const [key, value] of buckets) {
    if (value < before) throw new Error(`${key} is less than the one before`);
    before = value;
  }
  if (
    buckets.at(-1)?.[0] !== `${name}_bucket{le="+Inf"}` ||
    before !== samples.get(`${name}_count`) || !samples.has(`${name}_sum`)
  ) throw new Error(`${name} does not add up`);
}

/**
 * @param labels As they stand in the text.
 * @param suffix What follows the name: `_sum` or `_count` of a histogram.
 * @returns The value of a sample; 0 if nothing was counted yet.
 */
export function sampleOf(
  families: Map<string, MetricFamily>,
  name: string,
  labels = "",
  suffix = "",
): number {
  const family = families.get(name);
  assert.ok(family !== undefined, `there is no ${name}`);
  return family.samples.get(name + suffix + labels) ?? 0;
}
