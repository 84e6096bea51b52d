import assert from "node:assert/strict";
import { parse } from "yaml";
import { LocalService } from "../../support/local_service.ts";
import { parsePrometheusText } from "../../support/prometheus_text.ts";
import { ROOT } from "../../support/start_command.ts";

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

/** A metric in an expression, and the values of a label that it selects. */
const METRIC = /\b(usergrade_\w+)(?:\{(\w+)=~?"([^"]*)"\})?/g;

/** The alerts in OPERATIONS.md. */
function documentedRules(): AlertRule[] {
  const operations = Deno.readTextFileSync(`${ROOT}src/OPERATIONS.md`);
  return [...operations.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map(([, block]) => parse(block))
    .flatMap(({ groups = [] }: { groups?: { rules: AlertRule[] }[] }) => groups)
    .flatMap(({ rules }) => rules);
}

// Prometheus accepts an alert on a metric that does not exist, and never fires
// it.
Deno.test("every metric, state and place in the alerts of OPERATIONS.md is in /metrics", async () => {
  const service = new LocalService();
  const metrics = parsePrometheusText(
    await (await service.get("/metrics")).text(),
  );
  const rules = documentedRules();
  assert.ok(rules.length > 0);
  for (const { alert, expr } of rules) {
    const asked = [...expr.matchAll(METRIC)];
    assert.ok(
      asked.length > 0 || /^up\{/.test(expr),
      `${alert} asks for nothing`,
    );
    for (const [, name, label, values] of asked) {
      const samples = metrics.get(name)?.samples;
      assert.ok(samples, `${alert}: there is no ${name}`);
      for (const value of values?.split("|") ?? []) {
        assert.ok(
          samples.has(`${name}{${label}="${value}"}`),
          `${alert}: ${name} knows no ${label} ${value}`,
        );
      }
    }
  }
});
