/**
 * What the benchmark found, as an object for machines and as Markdown.
 *
 * @module
 */
import { type Figures, type Outcome, type Spread, spread } from "./figures.ts";
import {
  type Case,
  caseKey,
  type Ratio,
  RATIOS,
  recordsRatio,
} from "./plan.ts";

/** All outcomes of a case, a round each. */
export interface CaseOutcomes extends Case {
  readonly outcomes: readonly Outcome[];
}

/** The figures that are told. */
type FigureName = "per_s" | "p50_ms" | "p99_ms" | "cpu_us";

/** A case with its figures, or with why it has none. */
export interface CaseReport extends Case {
  readonly figures?: Partial<Record<FigureName, Spread>>;
  readonly failure?: string;
}

/** A ratio, its spread taken over the rounds. */
export interface RatioReport extends Ratio, Spread {
  /** The median ratio of answers for each second of the measured processes. */
  readonly by_cpu?: number;
}

/** Everything that was found. */
export interface Report {
  readonly machine: Record<string, string>;
  readonly rounds: number;
  readonly seconds: number;
  readonly missing: readonly string[];
  /** Why the figures are not to be trusted; empty if they are. */
  readonly disturbances: readonly string[];
  readonly cases: readonly CaseReport[];
  readonly ratios: readonly RatioReport[];
}

/** A case with one failed measurement has no figures. */
export function caseReport({ outcomes, ...case_ }: CaseOutcomes): CaseReport {
  const failed = outcomes.find((outcome) => "failure" in outcome);
  if (failed !== undefined) return { ...case_, failure: failed.failure };
  const figures: CaseReport["figures"] = {};
  for (const name of ["per_s", "p50_ms", "p99_ms", "cpu_us"] as const) {
    const values = valuesOf(outcomes, name);
    if (values !== undefined) figures[name] = spread(values);
  }
  return { ...case_, figures };
}

/** One figure of all rounds; undefined if a round lacks it. */
function valuesOf(
  outcomes: readonly Outcome[],
  name: FigureName,
): number[] | undefined {
  const values = outcomes.map((outcome) => (outcome as Partial<Figures>)[name])
    .filter((value) => value !== undefined);
  return values.length === outcomes.length ? values : undefined;
}

/** The ratios of all cases that were measured without a failure. */
export function ratioReports(
  measured: readonly CaseOutcomes[],
): RatioReport[] {
  const quotients = (
    of: Case,
    against: Case,
    name: FigureName,
    factor: number,
  ) => {
    const [upper, lower] = [of, against].map((case_) =>
      valuesOf(
        measured.find((each) => caseKey(each) === caseKey(case_))?.outcomes ??
          [],
        name,
      )
    );
    return upper?.length && lower?.length
      ? spread(upper.map((value, round) => factor * value / lower[round]))
      : undefined;
  };
  return RATIOS.flatMap((ratio) => {
    const { figure, of, against } = ratio;
    const factor = figure === "per_s" ? recordsRatio(ratio) : 1;
    const found = quotients(of, against, figure, factor);
    if (found === undefined) return [];
    const cpu = figure === "per_s" &&
      quotients(against, of, "cpu_us", factor);
    return [{ ...ratio, ...found, ...(cpu && { by_cpu: cpu.median }) }];
  });
}

/** @returns The report as two Markdown tables with notes. */
export function markdown(report: Report): string {
  return [
    row([
      "what",
      "connections",
      "side",
      "a second",
      "p50, ms",
      "p99, ms",
      "CPU, µs",
    ]),
    "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ...report.cases.map((each) =>
      row([`${each.operation}s`, each.connections, each.side, ...cells(each)])
    ),
    "",
    row(["ratio", "connections", "median", "lowest to highest", "by CPU"]),
    "| --- | ---: | ---: | ---: | ---: |",
    ...report.ratios.map((each) =>
      row([
        ratioName(each),
        each.of.connections,
        each.median.toFixed(2),
        `${each.low.toFixed(2)} to ${each.high.toFixed(2)}`,
        each.by_cpu?.toFixed(2) ?? "–",
      ])
    ),
    "",
    `Rounds: ${report.rounds} of ${report.seconds} s, the sides in turn. Figures are medians, and a ratio is the median of the rounds' ratios. "CPU" is the processor time that the measured process takes for an answer, without the broker and the load generator; "by CPU" is the ratio of answers for each second of it, which a load generator at its limit does not flatter.`,
    "",
    ...Object.entries(report.machine).map(([key, value]) =>
      `- ${key}: ${value}`
    ),
    ...report.missing.map((what) => `- missing: ${what}`),
    ...report.disturbances.map((what) => `- disturbed: ${what}`),
  ].join("\n");
}

function ratioName({ figure, of, against }: Ratio): string {
  if (of.operation !== against.operation) {
    return `records a second, ${of.side}: ${of.operation} / single ${against.operation}s`;
  }
  const what = figure === "per_s" ? "a second" : "median latency";
  return `${of.operation}s, ${what}: ${of.side} / ${against.side}`;
}

function row(values: readonly (string | number)[]): string {
  return `| ${values.join(" | ")} |`;
}

function cells({ figures, failure }: CaseReport): string[] {
  if (figures === undefined) return [`failed: ${failure}`, "–", "–", "–"];
  const { per_s, p50_ms, p99_ms, cpu_us } = figures;
  return [
    Math.round(per_s!.median).toLocaleString("en"),
    p50_ms!.median.toFixed(2),
    p99_ms!.median.toFixed(2),
    cpu_us?.median.toFixed(1) ?? "–",
  ];
}
