import assert from "node:assert/strict";
import { encodeFence } from "../../../src/log/fence.ts";
import { EntryFeed } from "../../../src/log/jetstream/entry_feed.ts";
import { probeAfter } from "../../../src/log/jetstream/probe.ts";
import { Proposals } from "../../../src/log/jetstream/proposals.ts";
import { ownSubjects } from "../../../src/log/jetstream/subjects.ts";
import { entry } from "./session_driver.ts";

const permissions = "none";
const SUBJECTS = ownSubjects("USERGRADE", "a");

function feedOf(text: string, subject = "usergrade.v1.set.b"): EntryFeed {
  const feed = new EntryFeed("s", SUBJECTS, new Proposals(1_000));
  feed.receive({
    ...entry(1, { subject }),
    data: new TextEncoder().encode(text),
  });
  return feed;
}

Deno.test({
  name:
    "probeAfter() sets no field of a user that the last entry has set, right after that entry",
  permissions,
  fn: () => {
    const probe = probeAfter(
      feedOf('[{"user_id":"a"},{"user_id":"b","spp":1}]'),
    );
    assert.equal(
      new TextDecoder().decode(probe!.payload),
      '[{"user_id":"b"}]',
    );
    assert.equal(probe!.after, 1);
  },
});

Deno.test({
  name: "probeAfter() gives nothing where no user is known to exist",
  permissions,
  fn: () => {
    assert.equal(probeAfter(feedOf("poison")), undefined);
    assert.equal(
      probeAfter(feedOf('[{"user_id":"a"}]', "usergrade.x.set.b")),
      undefined,
    );
    const empty = new EntryFeed("s", SUBJECTS, new Proposals(1_000));
    assert.equal(probeAfter(empty), undefined);
    empty.startAfter(7, "t7");
    assert.equal(probeAfter(empty), undefined);
  },
});

Deno.test({
  name:
    "probeAfter() knows no user where the last entry marks that the log is whole",
  permissions,
  fn: () => {
    const feed = new EntryFeed("s", SUBJECTS, new Proposals(1_000));
    const text = encodeFence({ sequence: 5, digest: "0123456789abcdef" });
    feed.startAfter(5, null);
    feed.noteExtent({ firstSequence: 6, lastSequence: 6 });
    feed.receive({
      ...entry(6, { subject: "usergrade.v2.set.$heal" }),
      data: new TextEncoder().encode(text),
    });
    assert.equal(feed.fed, 6);
    assert.equal(probeAfter(feed), undefined);
  },
});
