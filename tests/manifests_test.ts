import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { VARIABLES } from "../src/config/variables.ts";
import { LocalService } from "./support/local_service.ts";
import { ROOT } from "./support/start_command.ts";

const OPERATIONS = Deno.readTextFileSync(`${ROOT}src/OPERATIONS.md`);

/** The blocks of code of a language in OPERATIONS.md. */
function blocks(language: string): string[] {
  return [...OPERATIONS.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language).map(([, , text]) => text);
}

interface Manifest {
  readonly kind: string;
  // deno-lint-ignore no-explicit-any -- of many kinds
  readonly [member: string]: any;
}

Deno.test("the Kubernetes manifest of OPERATIONS.md names variables, ports, probes and secrets that are there", async () => {
  const manifests: Manifest[] = blocks("yaml")
    .filter((text) => text.startsWith("apiVersion:"))
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS();
    });
  const one = (kind: string) => manifests.find((each) => each.kind === kind)!;
  const { template, selector, serviceName } = one("StatefulSet").spec;
  const [container] = template.spec.containers;
  for (const { name } of container.env) assert.ok(name in VARIABLES, name);
  const secrets = Object.keys(one("Secret").stringData);
  for (const { name, value } of container.env) {
    if (!/_FILE$/.test(name)) continue;
    assert.ok(secrets.includes(value.replace("/secrets/", "")), name);
  }
  const ports = Object.fromEntries(
    container.ports.map((
      { name, containerPort }: { name: string; containerPort: number },
    ) => [name, String(containerPort)]),
  );
  assert.deepEqual(ports, {
    sets: VARIABLES.SET_PORT.fallback,
    gets: VARIABLES.GET_PORT.fallback,
  });
  const service = new LocalService();
  for (const probe of ["readinessProbe", "livenessProbe"]) {
    const { path, port } = container[probe].httpGet;
    assert.equal(port, "gets");
    const response = await service.get(path);
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
  const { labels } = template.metadata;
  assert.deepEqual(selector.matchLabels, labels);
  const services = manifests.filter(({ kind }) => kind === "Service");
  for (const { spec } of services) assert.deepEqual(spec.selector, labels);
  assert.ok(services.some(({ metadata }) => metadata.name === serviceName));
  const pod = template.spec.securityContext;
  const hardened = container.securityContext;
  assert.ok(pod.runAsNonRoot && hardened.readOnlyRootFilesystem);
  assert.deepEqual(hardened.capabilities.drop, ["ALL"]);
});

Deno.test("the systemd units of OPERATIONS.md name variables that are there, and never give up but for a wrong configuration", () => {
  const units = blocks("ini");
  const names = units.flatMap((unit) =>
    [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, list]) =>
      list.split(" ").map((pair) => pair.split("=")[0])
    )
  );
  assert.ok(names.length > 5);
  for (const name of names) {
    // Those of the runtime it reads by itself.
    assert.ok(name in VARIABLES || name.startsWith("OTEL_"), name);
  }
  const unit = units.find((text) => /^ExecStart=/m.test(text))!;
  for (
    const line of [
      "StartLimitIntervalSec=0",
      "Restart=on-failure",
      "RestartSec=2",
      "RestartPreventExitStatus=2",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
    ]
  ) assert.ok(unit.includes(`\n${line}\n`), line);
});
