/**
 * Measures what attacks and overload do to normal clients: each attack beside
 * calm, in alternation, with fresh processes.
 *
 * Prints Markdown, or with `--json` one object. Options: `--quick` for short
 * runs, `--rounds N`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { basicAuth } from "../../src/http/server/basic_auth.ts";
import { Attack } from "../hostile/attack.ts";
import { ATTACKS } from "../hostile/attacks.ts";
import {
  normalClients,
  quantile,
  type Waits,
} from "../hostile/normal_clients.ts";
import { overload } from "../hostile/overload.ts";
import { basicAuthorization } from "../support/credentials.ts";
import { residentMb } from "../support/process_usage.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HEAD_START_MS = 1_000;
const REST_MS = 2_000;
const AUTHORIZATIONS = 100_000;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const measured_ms = values.quick ? 2_000 : 5_000;
const overload_ms = values.quick ? 10_000 : 60_000;

/** How long the service may rest after an overload before its memory is looked at. */
const AFTER_OVERLOAD_MS = 2_000;

/** Several rounds' waits as one. */
function together(all: readonly Waits[]): Waits {
  return {
    times_ms: all.flatMap(({ times_ms }) => times_ms).sort((a, b) => a - b),
    failures: all.flatMap(({ failures }) => failures),
  };
}

/** Measures one attack, in rounds with calm in between. */
async function measureAttack(name: string) {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  await normalClients(service, HEAD_START_MS);
  const before = residentMb(service.pid);
  const calm: Waits[] = [];
  const attacked: Waits[] = [];
  let during = 0;
  for (let round = 0; round < rounds; round++) {
    calm.push(await normalClients(service, measured_ms));
    using _attack = new Attack(name, service);
    await sleep(HEAD_START_MS);
    attacked.push(await normalClients(service, measured_ms));
    during = Math.max(during, residentMb(service.pid));
  }
  await sleep(REST_MS);
  const [without, beside] = [together(calm), together(attacked)];
  return {
    attack: name,
    connections: ATTACKS[name].connections,
    p50_calm_ms: quantile(without, 0.5),
    p50_attacked_ms: quantile(beside, 0.5),
    p99_calm_ms: quantile(without, 0.99),
    p99_attacked_ms: quantile(beside, 0.99),
    failed: beside.failures.length,
    before_mb: before,
    during_mb: during,
    after_mb: residentMb(service.pid),
  };
}

/** How long one refusal takes, in µs, by what is wrong. */
function refusalCosts(): Record<string, number> {
  const handler = basicAuth(
    { user: "admin", passwords: ["a long password"] },
    () => new Response(),
    { missing: 0, wrong: 0 },
  );
  const wrong = {
    "another user, the right password": basicAuthorization(
      "nimda",
      "a long password",
    ),
    "the right user, another password": basicAuthorization(
      "admin",
      "a gnol password",
    ),
    "the right user, all but the last letter": basicAuthorization(
      "admin",
      "a long passwore",
    ),
    "nothing right": basicAuthorization("nimda", "a gnol drowssap"),
    "no base64 at all": "Basic " + "!".repeat(28),
  };
  const best = new Map<string, number>();
  for (let round = 0; round < 5; round++) {
    for (const [name, authorization] of Object.entries(wrong)) {
      const request = new Request("http://x/", { headers: { authorization } });
      const started = performance.now();
      for (let i = 0; i < AUTHORIZATIONS; i++) {
        try {
          handler(request, "");
        } catch {
          // It is refused, as it must be.
        }
      }
      const each = 1000 * (performance.now() - started) / AUTHORIZATIONS;
      best.set(name, Math.min(each, best.get(name) ?? Infinity));
    }
  }
  return Object.fromEntries(best);
}

/** Measures an overload; the refusals in quantiles. */
async function measureOverload() {
  const { during, ...rest } = await overload(
    measured_ms,
    overload_ms,
    AFTER_OVERLOAD_MS,
  );
  const { refusals_ms, ...counts } = during;
  const refusal = (part: number) =>
    refusals_ms[Math.floor(part * (refusals_ms.length - 1))];
  return {
    ...rest,
    during: {
      ...counts,
      refused_p50_ms: refusal(0.5),
      refused_p99_ms: refusal(0.99),
    },
  };
}

const refusals = refusalCosts();
const attacks = [];
for (const name of Object.keys(ATTACKS)) {
  attacks.push(await measureAttack(name));
}
const overloaded = await measureOverload();

if (values.json) {
  console.log(JSON.stringify({ refusals, attacks, overload: overloaded }));
} else {
  const { before, during, after, resident_mb: mb } = overloaded;
  console.log([
    "| wrong credentials | µs for a 401 |\n| --- | ---: |",
    ...Object.entries(refusals).map(([name, us]) =>
      `| ${name} | ${us.toFixed(2)} |`
    ),
    "",
    "| attack | connections | p50, ms: calm | attacked | p99, ms: calm | attacked | failed | MB before | during | after |",
    `| --- |${" ---: |".repeat(9)}`,
    ...attacks.map(({ attack, ...figures }) =>
      `| ${attack} | ${
        Object.entries(figures).map(([name, figure]) =>
          figure.toFixed(name.endsWith("_ms") ? 1 : 0)
        ).join(" | ")
      } |`
    ),
    "",
    `| overload for ${overload_ms / 1000} s | before | during | after |`,
    "| --- | ---: | ---: | ---: |",
    `| acknowledged sets/s | ${before.toFixed(0)} | ${
      during.acknowledged_per_s.toFixed(0)
    } | ${after.toFixed(0)} |`,
    `| memory, MB | ${mb.before.toFixed(0)} | ${mb.most.toFixed(0)} | ${
      mb.after.toFixed(0)
    } |`,
    `\nAnswers by status: ${JSON.stringify(during.statuses)}; 503 within ${
      during.refused_p50_ms.toFixed(1)
    } ms (median), ${during.refused_p99_ms.toFixed(1)} ms (p99)`,
  ].join("\n"));
}
