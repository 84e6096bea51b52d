/**
 * Reading PromQL, by Prometheus' own grammar.
 *
 * @module
 */
import { parser } from "@prometheus-io/lezer-promql";
import assert from "node:assert/strict";
import type { MetricFamily } from "./prometheus_text.ts";

/** What an expression asks Prometheus for. */
export interface Selector {
  /** The metric, with the suffix of a histogram's parts. */
  readonly metric: string;
  /** What its labels have to be. */
  readonly matchers: readonly {
    readonly label: string;
    readonly operator: string;
    readonly value: string;
  }[];
  /** Whether it asks for some time, as `rate` needs it, or for the moment. */
  readonly isRange: boolean;
}

/**
 * @param expression In PromQL.
 * @returns Every selector in it.
 * @throws {SyntaxError} If it is not PromQL.
 */
function selectorsOf(expression: string): Selector[] {
  const selectors: Selector[] = [];
  parser.parse(expression).iterate({
    enter: ({ node, from, to, type }) => {
      if (type.isError) {
        throw new SyntaxError(`${expression}: at ${expression.slice(from)}`);
      }
      if (node.name !== "VectorSelector") return;
      const text = expression.slice(from, to);
      selectors.push({
        metric: /^\w+/.exec(text)![0],
        matchers: [...text.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)]
          .map(([, label, operator, value]) => ({ label, operator, value })),
        isRange: node.parent?.name === "MatrixSelector",
      });
    },
  });
  return selectors;
}

/** The labels that Prometheus adds to all that it scrapes. */
const ADDED_LABELS = ["instance", "job"];

/** Labels with values that come up as they are counted. */
const OPEN_LABELS = ["status", "route"];

/**
 * Checks that a service has what an expression asks for: Prometheus accepts
 * anything, and answers with nothing.
 *
 * @param expression In PromQL.
 * @param families The service's metrics.
 * @returns The labels that the answer may have.
 */
export function assertAnswerable(
  expression: string,
  families: Map<string, MetricFamily>,
): string[] {
  const selectors = selectorsOf(expression);
  assert.ok(selectors.length > 0, `${expression} asks for nothing`);
  return selectors.flatMap((selector) => {
    const { metric, matchers, isRange } = selector;
    if (metric === "up") return ADDED_LABELS;
    const name = metric.replace(/_(bucket|sum|count)$/, "");
    const family = families.get(metric) ?? families.get(name);
    assert.ok(family, `${expression}: there is no ${metric}`);
    assert.equal(
      isRange || family.type === "gauge",
      true,
      `${expression}: ${metric} only grows`,
    );
    const labels = labelsOf(family);
    for (const { label, operator, value } of matchers) {
      if (ADDED_LABELS.includes(label)) continue;
      const known = labels.get(label);
      assert.ok(known, `${expression}: ${metric} has no ${label}`);
      if (OPEN_LABELS.includes(label)) continue;
      const values = operator.endsWith("~") ? value.split("|") : [value];
      for (const one of values) {
        assert.ok(known.has(one), `${expression}: no ${label} is ${one}`);
      }
    }
    return [...ADDED_LABELS, ...labels.keys()];
  });
}

function labelsOf({ samples }: MetricFamily): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const key of samples.keys()) {
    for (const [, label, value] of key.matchAll(/(\w+)="([^"]*)"/g)) {
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
    }
  }
  return labels;
}
