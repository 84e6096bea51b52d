import assert from "node:assert/strict";
import {
  ReceiveWindow,
  SendWindow,
  WINDOW_MESSAGES,
} from "../../../src/log/thread/window.ts";

const permissions = "none";

Deno.test({
  name:
    "SendWindow holds the sender while too much is on its way, and ReceiveWindow lets it go on in time",
  permissions,
  fn: async () => {
    const sender = new SendWindow();
    const receiver = new ReceiveWindow((messages) => sender.taken(messages));
    let onTheWay = 0;
    let most = 0;
    let sent = 0;
    const sending = (async () => {
      for (; sent < 100; sent++) {
        most = Math.max(most, ++onTheWay);
        await sender.sent();
      }
    })();
    while (sent < 100) {
      await new Promise<void>((resolve) => queueMicrotask(resolve));
      for (; onTheWay > 0; onTheWay--) receiver.take();
    }
    await sending;
    assert.ok(most <= WINDOW_MESSAGES);
  },
});

Deno.test({
  name: "SendWindow waits while nothing is taken",
  permissions,
  fn: async () => {
    const sender = new SendWindow();
    for (let i = 1; i < WINDOW_MESSAGES; i++) await sender.sent();
    let isOpen = false;
    const full = sender.sent().then(() => isOpen = true);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    assert.ok(!isOpen);
    sender.taken(1);
    await full;
  },
});

Deno.test({
  name: "SendWindow lets a sender go whose messages nobody wants any more",
  permissions,
  fn: async () => {
    const sender = new SendWindow();
    for (let i = 1; i < WINDOW_MESSAGES; i++) await sender.sent();
    const full = sender.sent();
    sender.close();
    await full;
    await sender.sent();
  },
});
