import assert from "node:assert/strict";
import { parse } from "yaml";
import { parsePrometheusText } from "../support/prometheus_text.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { ROOT } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

/** A metric of ours, and the states that an expression asks it for. */
const METRIC = /\b(usergrade_\w+)(?:\{state=~?"([^"]*)"\})?/g;

/** The alerts that the README tells to set. */
function readmeRules(): AlertRule[] {
  const readme = Deno.readTextFileSync(`${ROOT}README.md`);
  return [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map(([, block]) => parse(block))
    .flatMap(({ groups = [] }: { groups?: { rules: AlertRule[] }[] }) => groups)
    .flatMap(({ rules }) => rules);
}

// Prometheus takes an alert about a metric that does not exist, and never
// raises it.
Deno.test("every metric and state that the README's alerts ask for is in /metrics", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const metrics = parsePrometheusText(
    await (await service.get("/metrics")).text(),
  );
  const rules = readmeRules();
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
