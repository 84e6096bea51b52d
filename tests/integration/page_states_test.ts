import assert from "node:assert/strict";
import {
  encodeHeartbeat,
  type Heartbeat,
} from "../../src/cluster/heartbeat.ts";
import { heartbeat } from "../cluster/heartbeats.ts";
import { TestBrowser, type WatchedPage } from "../support/browser.ts";
import { audit } from "../support/page_audit.ts";
import { look } from "../support/page_look.ts";
import { ServedService } from "../support/served_service.ts";

const browser = TestBrowser.forAllTests();

/** How the page is looked at in every state. */
const LOOKS = [
  { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  {
    colorScheme: "dark",
    viewport: { width: 360, height: 740 },
    reducedMotion: "reduce",
  },
] as const;

/** Whether nothing on the page moves by itself, as `prefers-reduced-motion` asks. */
const MOVES = `document.getAnimations().length > 0 ||
  [...document.querySelectorAll("*")].some((element) =>
    getComputedStyle(element).transitionDuration !== "0s")`;

/** What lets the page ask at once. */
const ASK_NOW = 'document.dispatchEvent(new Event("visibilitychange"))';

/** A state of the service. */
interface State {
  /** Brings it about. */
  readonly enter: (service: ServedService) => unknown;
  readonly sentence: RegExp;
  readonly kind: "good" | "busy" | "bad" | "unknown";
  readonly notes?: RegExp;
}

function hear(
  service: ServedService,
  id: string,
  said: Partial<Heartbeat> = {},
): void {
  const { appliedSequence, digest, users } = service.log.proposer;
  const bytes = encodeHeartbeat(heartbeat(id, {
    applied_sequence: appliedSequence,
    last_sequence: appliedSequence,
    users,
    digest,
    ...said,
  }));
  service.cluster.heard(id, bytes, service.now());
}

/** The states of a replica in a cluster, each after the one before. */
const STATES: Record<string, State> = {
  "alone in its cluster": {
    enter: (service) => service.cluster.joined(service.now()),
    sentence: /^Gets and sets work\.$/,
    kind: "unknown",
    notes: /No other replica is here\. Start one/,
  },
  "of three equal ones": {
    enter: async (service) => {
      await service.set({ user_id: "ann", spp: 7 });
      for (const id of ["b", "c"]) hear(service, id);
    },
    sentence: /^Gets and sets work\.$/,
    kind: "good",
    notes: /^All 3 replicas .* equal records, compared at sequence 1\.$/,
  },
  "beside one that restores": {
    enter: (service) =>
      hear(service, "c", {
        state: "restoring",
        reason: "a snapshot",
        applied_sequence: 0,
        restore: { rows: 7, percent: 42 },
      }),
    sentence: /^Gets and sets work\.$/,
    kind: "busy",
    notes: /c is restoring: a snapshot/,
  },
  "beside one that is gone": {
    enter: (service) => {
      hear(service, "c");
      service.pass(11_000);
      hear(service, "b");
    },
    sentence: /^Gets and sets work\.$/,
    kind: "busy",
    notes: /c is gone\..*b and me have equal records, compared at sequence 1/,
  },
  "beside one that differs": {
    enter: (service) => hear(service, "b", { digest: "f".repeat(16) }),
    sentence: /^Gets and sets work\.$/,
    kind: "bad",
    notes: /Replicas differ at the same sequence/,
  },
  "without its broker": {
    enter: (service) => {
      service.cluster.left(service.now());
      service.log.proposer.logStatusChanged({
        state: "away",
        reason: "NATS does not answer",
      });
    },
    sentence: /^Gets work, and sets are refused: NATS does not answer\.$/,
    kind: "bad",
    notes: /b and c can't be heard from here now/,
  },
  "whose log is repaired": {
    enter: (service) =>
      service.log.proposer.healingChanged({
        type: "healing",
        reason: "entry 7 is lost",
      }),
    sentence:
      /^Gets work, and sets are refused: .* repaired: entry 7 is lost\.$/,
    kind: "bad",
  },
  "that is forked": {
    enter: (service) =>
      service.log.proposer.healingChanged({
        type: "forked",
        reason: "two histories",
      }),
    sentence: /^Gets work, and sets are refused: .*: two histories\.$/,
    kind: "bad",
    notes: /Save a backup from this replica/,
  },
  "that stops": {
    enter: (service) => service.log.proposer.drain("SIGTERM came"),
    sentence: /^Gets work, and sets are refused: .* stopping: SIGTERM came\.$/,
    kind: "bad",
  },
};

/** Checks what is shown, that it fits, and that everyone can use it. */
async function assertShown(
  { page, problems }: WatchedPage,
  { sentence, kind, notes }: State,
  width: number,
): Promise<void> {
  await page.locator(`#verdict[data-kind="${kind}"] p`, { hasText: sentence })
    .waitFor();
  if (notes !== undefined) {
    await page.locator("#verdict ul", { hasText: notes }).waitFor();
  }
  await page.locator("tr[data-replica]").first().waitFor();
  assert.deepEqual(await audit(page), []);
  assert.equal((await look(page)).width, width);
  assert.equal(await page.evaluate(MOVES), false);
  assert.deepEqual(problems, []);
}

Deno.test("the page says in one sentence what works in every state, for everyone, in light and dark, and on a phone", async (t) => {
  await using service = new ServedService({ isReplicated: true });
  const pages = await Promise.all(
    LOOKS.map((options) => browser.open(service.url, options)),
  );
  for (const [name, state] of Object.entries(STATES)) {
    await t.step(`of a replica ${name}`, async () => {
      await state.enter(service);
      for (const [index, watched] of pages.entries()) {
        await watched.page.evaluate(ASK_NOW);
        await assertShown(watched, state, LOOKS[index].viewport.width);
      }
    });
  }
});

Deno.test("the page says that a replica is starting, read-only or full, and what to do where there is nothing yet", async () => {
  await using starting = new ServedService({ isOpen: false });
  await using readOnly = new ServedService({ isReadOnly: true });
  await using full = new ServedService();
  full.log.without = "arrays";
  await full.set({ user_id: "ann" });
  for (
    const [service, sentence] of [
      [starting, /^Gets and sets are refused: this replica is starting: the/],
      [readOnly, /^Gets work, and sets are refused: the service is read-only/],
      [full, /^Gets work, and sets are refused: .*memory/],
    ] as const
  ) {
    const [options] = LOOKS;
    const watched = await browser.open(service.url, options);
    const state = { enter: () => {}, sentence, kind: "bad" } as const;
    await assertShown(watched, state, options.viewport.width);
    await browser.leavePages();
  }
});
