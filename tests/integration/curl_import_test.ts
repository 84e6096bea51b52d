import assert from "node:assert/strict";
import { PASSWORD, USER } from "../support/credentials.ts";
import { runProgram } from "../support/run_program.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

Deno.test("POST /import says what curl made of a file, and how to send it", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const file = `${folder.path}/grades.csv`;
  Deno.writeTextFileSync(file, "user_id,spp\nann,2\nbob,3\n");
  const rows = Array.from({ length: 3_000 }, (_, i) => `user-${i},${i}\n`);
  Deno.writeFileSync(
    `${file}.gz`,
    await runProgram("gzip", ["-c"], `user_id,spp\n${rows.join("")}`),
  );
  const curl = async (...args: string[]) => {
    const answer = await runProgram("curl", [
      "-s",
      "-u",
      `${USER}:${PASSWORD}`,
      ...args,
      `${service.url("set")}/import`,
    ]);
    return JSON.parse(new TextDecoder().decode(answer));
  };
  for (
    const [args, says] of [
      [["-d", `@${file}.gz`], /Cannot .* gzip.*--data-binary @FILE/],
      [["-F", `file=@${file}`], /multipart body.*--data-binary @FILE/],
      [["-d", `@${file}`], /no line break.*--data-binary @FILE/],
      [["-d", file], /no line break.*--data-binary @FILE/],
    ] as const
  ) assert.match((await curl(...args)).detail, says, args[0]);
  assert.equal((await curl("--data-binary", `@${file}`)).rows, 2);
  assert.equal((await curl("-T", file, "-X", "POST")).rows, 2);
});
