import assert from "node:assert/strict";
import { parse } from "yaml";
import { busyMetrics } from "../support/busy_metrics.ts";
import { assertAnswerable } from "../support/promql.ts";
import { ROOT } from "../support/start_command.ts";

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

function allRules(): AlertRule[] {
  const text = Deno.readTextFileSync(`${ROOT}src/monitoring/alerts.yml`);
  const { groups } = parse(text) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** @returns The labels that an aggregation leaves; undefined if there is none. */
function keptLabels(expr: string): string[] | undefined {
  const [, kept] = /\bby \(([\w, ]+)\)/.exec(expr) ?? [];
  return kept?.split(", ");
}

// Prometheus accepts an alert on a metric that does not exist, and never fires
// it.
Deno.test("every metric, label and value in the alerts is in /metrics", async () => {
  const families = await busyMetrics();
  for (const { alert, expr, annotations } of allRules()) {
    const known = assertAnswerable(expr, families);
    const labels = keptLabels(expr) ?? known;
    for (const text of Object.values(annotations)) {
      for (const [, label] of text.matchAll(/\$labels\.(\w+)/g)) {
        assert.ok(labels.includes(label), `${alert}: there is no ${label}`);
      }
    }
  }
});

// One Prometheus may scrape several clusters, each as a job.
Deno.test("no alert mixes replicas of several clusters", () => {
  for (const { alert, expr } of allRules()) {
    assert.doesNotMatch(expr, /\b(sum|max|min|avg|count|absent\w*) ?\(/, alert);
    for (const [by] of expr.matchAll(/\bby \([^)]*\)/g)) {
      assert.match(by, /\b(job|instance)\b/, alert);
    }
  }
});

Deno.test("every alert says how severe it is, what it means and where to read what to do", () => {
  const rules = allRules();
  assert.ok(rules.length > 20);
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  const operations = Deno.readTextFileSync(`${ROOT}src/OPERATIONS.md`);
  const anchors = [...operations.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
  for (const { alert, for: duration, labels, annotations } of rules) {
    assert.match(alert, /^[A-Z][A-Za-z]+$/);
    assert.match(duration ?? "1m", /^\d+[mh]$/, alert);
    assert.match(labels.severity, /^(critical|warning|info)$/, alert);
    assert.deepEqual(
      Object.keys(annotations),
      ["summary", "description", "runbook"],
      alert,
    );
    assert.match(annotations.description, /^[A-Za-z_67].*\.$/, alert);
    const [file, anchor] = annotations.runbook.split("#");
    assert.equal(file, "src/OPERATIONS.md");
    assert.ok(anchors.includes(anchor), `${alert}: there is no ${anchor}`);
  }
});
