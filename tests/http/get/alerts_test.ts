import assert from "node:assert/strict";
import { parse } from "yaml";
import { LocalService } from "../../support/local_service.ts";
import { parsePrometheusText } from "../../support/prometheus_text.ts";
import { ROOT } from "../../support/start_command.ts";

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

/** A metric in an expression, and the states that the expression selects. */
const METRIC = /\b(usergrade_\w+)(?:\{state=~?"([^"]*)"\})?/g;

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
Deno.test("every metric and state in the alerts of OPERATIONS.md is in /metrics", async () => {
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
    for (const [, name, states] of asked) {
      const samples = metrics.get(name)?.samples;
      assert.ok(samples, `${alert}: there is no ${name}`);
      for (const state of states?.split("|") ?? []) {
        assert.ok(
          samples.has(`${name}{state="${state}"}`),
          `${alert}: ${name} knows no state ${state}`,
        );
      }
    }
  }
});
