import assert from "node:assert/strict";
import dashboard from "../../src/monitoring/dashboard.json" with {
  type: "json",
};
import { REPLICA_STATES } from "../../src/replica_states.ts";
import { busyMetrics } from "../support/busy_metrics.ts";
import { assertAnswerable } from "../support/promql.ts";

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: Place;
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly mappings?: {
        readonly options: Readonly<Record<string, { readonly text: string }>>;
      }[];
    };
  };
  readonly targets?: readonly {
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
}

/** Grafana's widest row. */
const COLUMNS = 24;

/** Ids of units, of those that Grafana knows. */
const UNITS = ["short", "s", "bytes", "ops", "reqps", "bool"];

const panels = dashboard.panels as readonly Panel[];
const charts = panels.filter(({ type }) => type !== "row");
const VARIABLES = dashboard.templating.list.map(({ name }) => `$${name}`);

Deno.test("every panel of the dashboard has a title, a description, a unit and a data source", () => {
  assert.ok(charts.length > 20);
  for (
    const list of [
      panels.map(({ id }) => String(id)),
      charts.map(({ title }) => title),
    ]
  ) {
    assert.equal(new Set(list).size, list.length);
  }
  for (const { title, description, fieldConfig, targets } of charts) {
    assert.ok(title.length > 2);
    assert.match(description ?? "", /^\S.*\.$/, title);
    assert.ok(UNITS.includes(fieldConfig?.defaults.unit ?? ""), title);
    assert.ok(targets !== undefined && targets.length > 0, title);
    for (const { datasource } of targets) {
      assert.equal(datasource.uid, "${datasource}");
    }
  }
});

Deno.test("every metric, label and value in the dashboard is in /metrics", async () => {
  const families = await busyMetrics();
  for (const { title, targets } of charts) {
    for (const { expr, legendFormat } of targets!) {
      for (const [variable] of expr.matchAll(/\$(?!__)\w+/g)) {
        assert.ok(VARIABLES.includes(variable), `${title}: ${variable}`);
      }
      const labels = assertAnswerable(
        expr.replaceAll("$__rate_interval", "5m"),
        families,
      );
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(labels.includes(label), `${title}: there is no ${label}`);
      }
    }
  }
});

Deno.test("no panel of the dashboard lies on another one, or beside the screen", () => {
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    assert.ok(w > 0 && h > 0 && x >= 0 && x + w <= COLUMNS, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert.ok(!taken.has(`${column} ${line}`), title);
        taken.add(`${column} ${line}`);
      }
    }
  }
});

Deno.test("the dashboard has a name and a number for every state", () => {
  const { fieldConfig, targets } = charts.find(({ type }) =>
    type === "state-timeline"
  )!;
  const [{ options }] = fieldConfig!.defaults.mappings!;
  const named = Object.entries(options).map(([number, { text }]) => [
    text,
    number,
  ]);
  const asked = [
    ...targets![0].expr.matchAll(/(\d+) \* \(usergrade_state\{state="(\w+)"/g),
  ].map(([, number, state]) => [state, number]);
  assert.deepEqual(named.toSorted(), asked.toSorted());
  assert.deepEqual(
    named.map(([state]) => state).toSorted(),
    [...REPLICA_STATES].toSorted(),
  );
});
