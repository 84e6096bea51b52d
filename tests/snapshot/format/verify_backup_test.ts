import assert from "node:assert/strict";
import fc from "fast-check";
import { BackupError } from "../../../src/snapshot/format/backup_error.ts";
import { verifyBackup } from "../../../src/snapshot/format/verify_backup.ts";
import { anyCharacter } from "../../support/any_character.ts";
import { backupOf, chunked, storageOf } from "../../support/backup_bytes.ts";

const ignore = () => {};

const grades = fc.uniqueArray(
  fc.record({
    user_id: fc.string({ unit: anyCharacter, minLength: 1, maxLength: 64 })
      // deno-lint-ignore no-control-regex -- no user id has them
      .filter((id) => id.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(id)),
    postpaid_limit: fc.maxSafeInteger(),
    spp: fc.maxSafeInteger(),
    shipping_fee: fc.maxSafeInteger(),
    return_fee: fc.maxSafeInteger(),
  }),
  { selector: ({ user_id }) => user_id, maxLength: 50 },
);

Deno.test("verifyBackup() accepts every backup that is what it says, and tells how many rows it has", async () => {
  await fc.assert(
    fc.asyncProperty(
      grades,
      fc.integer({ min: 1, max: 5_000 }),
      async (users, size) => {
        const bytes = await backupOf(storageOf(users));
        let seen = 0;
        const info = await verifyBackup(chunked(bytes, size), (rows, total) => {
          assert.equal(total, users.length);
          seen = rows;
        });
        assert.equal(info.rows, users.length);
        assert.equal(seen, users.length);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("verifyBackup() refuses a backup with any one byte of its rows changed", async () => {
  const bytes = await backupOf(storageOf([
    {
      user_id: "a",
      postpaid_limit: 1,
      spp: 2,
      shipping_fee: 3,
      return_fee: 4,
    },
  ]));
  const rowsAt = bytes.length - 60;
  for (let at = rowsAt; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] ^= 1;
    await assert.rejects(
      verifyBackup(chunked(changed, 1_000), ignore),
      BackupError,
      `byte ${at}`,
    );
  }
});

Deno.test("verifyBackup() refuses other rows than the backup says that it has", async () => {
  const [one, other] = ["a", "b"].map((user_id) => ({
    user_id,
    postpaid_limit: 1,
    spp: 2,
    shipping_fee: 3,
    return_fee: 4,
  }));
  const truth = storageOf([one, other]);
  const lies = [
    { rows: 1 },
    { rows: 3 },
    { digest: storageOf([one, { ...other, spp: 3 }]).digest },
    { digest: storageOf([one, { ...other, user_id: "c" }]).digest },
  ];
  for (const lie of lies) {
    const bytes = await backupOf(truth, lie);
    await assert.rejects(verifyBackup(chunked(bytes, 1_000), ignore), {
      name: "BackupError",
      message: /^Cannot verify the backup: /,
    });
  }
});
